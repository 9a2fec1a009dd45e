//! The admin thread: JSON lines over a Unix socket in the data folder, mode 0600. One connection at a
//! time; questions are answered from a view that follows the event log, changes go through the ring.

use super::desk::{Answer, Job};
use super::orders::{Plan, plan};
use super::refusal::{Code, Refusal};
use super::request::Envelope;
use super::view::View;
use super::{SOCKET_NAME, answer};
use crate::data_folder;
use crate::failure::Failure;
use crate::snapshots;
use crate::time;
use crossbeam_channel::{Sender, bounded};
use engine::event::EventRecord;
use engine::number::Timestamp;
use journal::event_log::EventLogReader;
use serde_json::{Value, json};
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Longest request line, in bytes; a longer one closes the connection.
pub(super) const LINE_BYTES_MAX: u64 = 64 * 1024;
/// An operator's connection that says nothing for this long is closed, so that it blocks no other.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// Longest wait for the venue to carry out a command.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest wait for the next event that is released and not yet in the file.
const VIEW_WAIT_MAX: Duration = Duration::from_secs(1);

pub(crate) struct AdminServer {
    data: PathBuf,
    listener: UnixListener,
    reader: EventLogReader,
    view: View,
    jobs: Sender<Job>,
    waker: Arc<mio::Waker>,
}

impl AdminServer {
    /// Listens on the socket in `data`; the view goes on behind what it has seen. The caller holds the folder's lock, so an old socket is a dead one.
    pub(crate) fn bind(
        data: &Path,
        event_log: &Path,
        view: View,
        jobs: Sender<Job>,
        waker: Arc<mio::Waker>,
    ) -> Result<Self, Failure> {
        let path = data.join(SOCKET_NAME);
        let told = |error: std::io::Error| Failure::new(format!("admin socket {}: {error}", path.display()));
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(told(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(told)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(told)?;
        let mut reader = EventLogReader::open(event_log)?;
        reader.seek(view.seen.after());
        Ok(Self { data: data.to_owned(), listener, reader, view, jobs, waker })
    }

    /// Serves until the process ends.
    pub(crate) fn serve(mut self) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    if let Err(error) = self.talk(&stream) {
                        tracing::debug!(%error, "an operator's connection ended");
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the admin socket failed; operators cannot connect any more");
                    return;
                }
            }
        }
    }

    fn talk(&mut self, stream: &UnixStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        stream.set_write_timeout(Some(SILENCE_MAX))?;
        let mut lines = BufReader::new(stream);
        let mut writer = stream;
        loop {
            let mut line = Vec::new();
            let length = (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(());
            }
            let answer = match self.answer(&line) {
                Ok(rows) => json!({"ok": true, "rows": rows}),
                Err(Refusal { code, message }) => json!({"ok": false, "code": code, "error": message}),
            };
            writeln!(writer, "{answer}")?;
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, line: &[u8]) -> Result<Value, Refusal> {
        let envelope: Envelope = serde_json::from_slice(line).map_err(|error| {
            let message =
                format!("not a request: {error}; `rotunda admin` writes them, one JSON object a line");
            Refusal::new(Code::Request, message)
        })?;
        self.catch_up()?;
        match plan(&envelope, &self.view, today())? {
            Plan::Question => answer::question(&envelope.request, &self.view),
            Plan::Commands { commands, password } => {
                tracing::info!(who = envelope.who, why = envelope.why, request = ?envelope.request, "operator");
                let done = self.ask(commands)?;
                answer::outcome(&envelope.request, &self.view, &done.events, password.as_deref())
            }
        }
    }

    /// Has the stages carry out commands; without any, tells only how far events are released.
    fn ask(&self, commands: Vec<engine::command::CommandSlot>) -> Result<Answer, Refusal> {
        let (answer, answered) = bounded(1);
        let closing = || Refusal::new(Code::Closing, "the venue is closing; ask again when it is open");
        self.jobs.send(Job { commands, answer }).map_err(|_| closing())?;
        self.waker.wake().map_err(|error| {
            Refusal::new(Code::Failed, format!("the venue cannot be woken: {error}; ask again"))
        })?;
        answered.recv_timeout(ANSWER_WAIT_MAX).map_err(|_| {
            let message = format!(
                "the venue has not answered within {} s, and may still carry it out; look with `rotunda admin \
                 status` and in `rotunda inspect journal` before you repeat it",
                ANSWER_WAIT_MAX.as_secs()
            );
            Refusal::new(Code::Unanswered, message)
        })
    }

    /// The next event for the view. Where retention has removed what the view had not read yet, because nobody
    /// asked for so long, it goes on from the newest snapshot, which holds a view too.
    fn next(&mut self) -> Result<Option<EventRecord>, Refusal> {
        let failed = |error: String| Refusal::new(Code::Failed, error);
        let error = match self.reader.next() {
            Ok(event) => return Ok(event),
            Err(error) => error,
        };
        let (limits, seen) = (data_folder::limits(&self.data), self.view.seen);
        let newer = limits.and_then(|limits| {
            snapshots::newest(&self.data, &limits.unwrap_or_default(), |mark| mark.last_event > seen)
        });
        let Ok(Some(newer)) = newer else { return Err(failed(error.to_string())) };
        self.reader = EventLogReader::open(&data_folder::event_log(&self.data))
            .map_err(|error| failed(error.to_string()))?;
        self.reader.seek(newer.mark.last_event.after());
        self.view = newer.market.view;
        self.view.seen = newer.mark.last_event;
        self.reader.next().map_err(|error| failed(error.to_string()))
    }

    /// Reads what has been released by now, so that no answer is older than its question.
    fn catch_up(&mut self) -> Result<(), Refusal> {
        let released = self.ask(Vec::new())?.seen;
        let mut deadline = Instant::now() + VIEW_WAIT_MAX;
        while self.view.seen < released {
            match self.next()? {
                Some(event) => {
                    self.view.apply(&event);
                    deadline = Instant::now() + VIEW_WAIT_MAX;
                }
                None if Instant::now() >= deadline => {
                    let message = format!("the event log has not come as far as {released}; ask again");
                    return Err(Refusal::new(Code::Unanswered, message));
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        Ok(())
    }
}

/// Today's date in UTC as YYYYMMDD.
fn today() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    time::date(Timestamp(u64::try_from(since.as_nanos()).unwrap_or(0)), 0)
}
