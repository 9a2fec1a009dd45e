//! A process that is killed while it writes loses the end of the log and nothing else.

use crate::{market, options, read, read_on, temporary, write};
use journal::event_log::{EventLogReader, EventLogWriter};
use std::path::Path;
use std::process::{Command, Stdio};

const FOLDER: &str = "ROTUNDA_TEST_EVENT_LOG";

/// Not a test of its own: the process that is killed.
#[test]
fn writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let events = market::events(400_000);
    let (mut writer, tail) = EventLogWriter::open(&options(Path::new(&folder))).expect("opens");
    for part in events[tail.events as usize..].chunks(11) {
        crate::append(&mut writer, part);
        writer.flush();
    }
    panic!("all was written and nobody killed this process");
}

#[test]
fn nothing_but_the_end_is_lost() {
    let folder = temporary();
    let events = market::events(400_000);
    let mut reader = EventLogReader::open(folder.path()).expect("opens");
    let mut seen = 0;
    for round in 0..4 {
        let mut writing = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "kill::writes_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let enough = seen + 2_000 + round * 777;
        while seen < enough {
            match reader.next().expect("reads") {
                Some(event) => {
                    assert!(event == events[seen]);
                    seen += 1;
                }
                None => assert!(writing.try_wait().expect("asks").is_none(), "the writer ended by itself"),
            }
        }
        writing.kill().expect("kills");
        writing.wait().expect("ends");

        let found = read(folder.path()).expect("reads");
        assert!(found.len() >= seen && found == events[..found.len()]);
        let (writer, tail) = EventLogWriter::open(&options(folder.path())).expect("opens");
        assert_eq!(tail.events as usize, found.len(), "nothing whole is cut");
        drop(writer);
    }
    let stored = seen + read_on(&mut reader).expect("reads").len();
    let until = (stored + 1_000).next_multiple_of(10);
    write(&options(folder.path()), &events[stored..until]);
    assert!(read(folder.path()).expect("reads") == events[..until]);
}
