//! What the journal's tests share: small options, recognisable commands, and a venue that only writes.
#![allow(dead_code, reason = "each test file uses a part")]

use engine::command::CommandSlot;
use engine::number::Sequence;
use journal::disk::Disk;
use journal::{Backend, Journal, JournalError, JournalOptions, Recovered, open_on};
use std::path::Path;
use std::time::{Duration, Instant};

/// Small segments and records, so that a few hundred commands cross several segments.
pub(crate) fn options(folder: &Path) -> JournalOptions {
    JournalOptions {
        segment_bytes: 64 << 10,
        writes_in_flight: 4,
        record_bytes_max: 8 << 10,
        backend: Backend::Auto,
        cluster: 0x00C1_0573,
        node: 7,
        vouch_after: Duration::ZERO,
        ..JournalOptions::new(folder.to_owned())
    }
}

/// A command that tells its sequence; the words that are present vary, as those of real commands do.
pub(crate) fn command(sequence: u64) -> CommandSlot {
    let mut words = [0; 16];
    words[0] = 1_800_000_000_000_000_000 + sequence;
    words[1] = sequence;
    let mut mixed = sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for word in &mut words[2..] {
        mixed ^= mixed >> 29;
        mixed = mixed.wrapping_mul(0xBF58_476D_1CE4_E5B9);
        *word = if mixed & 3 == 0 { mixed } else { 0 };
    }
    CommandSlot::from_words(words)
}

/// Opens the journal and checks that what it holds is a prefix of the commands that are ever appended.
pub(crate) fn reopen<D: Disk>(
    disk: D,
    options: &JournalOptions,
) -> Result<(Journal<D>, Recovered), JournalError> {
    let mut last = 0;
    let mut check = |sequence: Sequence, found: &CommandSlot| {
        last += 1;
        assert_eq!(sequence, Sequence(last), "commands come in order");
        assert_eq!(found.words(), command(last).words(), "command {last} is what was appended");
    };
    let (journal, recovered) = open_on(disk, options, &mut check, &mut |_| {})?;
    assert_eq!(recovered.last, Sequence(last));
    assert_eq!(journal.durable(), Sequence(last));
    Ok((journal, recovered))
}

/// Appends up to `count` commands, as many as there is room for.
pub(crate) fn append<D: Disk>(journal: &mut Journal<D>, count: usize) {
    let first = journal.appended().next();
    let commands: Vec<_> = (first.0..).take(count.min(journal.room())).map(command).collect();
    journal.append(first, commands.iter());
}

/// Appends `count` commands in batches of `batch` and polls after each, until all are durable and vouched for.
pub(crate) fn write<D: Disk>(
    journal: &mut Journal<D>,
    count: usize,
    batch: usize,
) -> Result<(), JournalError> {
    let goal = journal.appended().0 + count as u64;
    while journal.appended().0 < goal {
        append(journal, batch.min((goal - journal.appended().0) as usize));
        journal.poll(Instant::now())?;
    }
    settle(journal)
}

/// Polls until nothing is under way.
pub(crate) fn settle<D: Disk>(journal: &mut Journal<D>) -> Result<(), JournalError> {
    while !journal.is_quiet() {
        journal.poll(Instant::now())?;
    }
    Ok(())
}

/// Whether the sizes that are run by hand are asked for.
pub(crate) fn by_hand() -> bool {
    std::env::var("ROTUNDA_TESTS").is_ok_and(|size| size == "full")
}

/// Keeps a result: printed always, and at the size by hand written to tests/results/ with machine and commit.
pub(crate) fn record(test: &str, numbers: &[(&str, u64)], began: Instant) {
    let mut text = format!("{{\n  \"test\": \"{test}\",\n");
    for (name, number) in numbers {
        text += &format!("  \"{name}\": {number},\n");
    }
    text += &format!("  \"seconds\": {:.1}", began.elapsed().as_secs_f64());
    println!("{text}\n}}");
    if !by_hand() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let commit = std::process::Command::new("git").args(["rev-parse", "HEAD"]).current_dir(&root).output();
    let commit =
        commit.map_or_else(|_| String::new(), |done| String::from_utf8_lossy(&done.stdout).into_owned());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    text += &format!(
        ",\n  \"commit\": \"{}\",\n  \"machine\": {{\n    \"system\": \"{}-{}-{}\",\n    \"cores\": {cores}\n  }}\n}}\n",
        commit.trim(),
        std::env::consts::OS,
        kernel.trim(),
        std::env::consts::ARCH
    );
    std::fs::write(root.join(format!("tests/results/{test}.json")), text)
        .expect("the results' folder is there");
}
