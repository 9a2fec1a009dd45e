//! Power cuts on a simulated disk, many seeds. An independent log of what was appended and what was
//! acknowledged is the judge: nothing acknowledged is lost, nothing comes back that was not appended in its
//! place, and nothing that a start cut away returns later.

mod common;

use common::options;
use engine::command::CommandSlot;
use engine::number::Sequence;
use journal::disk::simulated::{Fault, SimulatedDisk};
use journal::{Journal, JournalError, JournalOptions, open_on};
use std::path::Path;
use std::time::{Duration, Instant};

/// The judge's own log.
#[derive(Default)]
struct Judge {
    appended: Vec<CommandSlot>,
    acknowledged: usize,
    lives: u64,
}

impl Judge {
    /// A command that no other life appends, so that one which returns from the dead is seen.
    fn command(&self) -> CommandSlot {
        let mut words = *common::command(self.appended.len() as u64 + 1).words();
        words[1] = self.lives;
        CommandSlot::from_words(words)
    }

    fn check(&mut self, found: &[CommandSlot]) -> Result<(), String> {
        let lost = found.len() < self.acknowledged;
        let strange =
            found.iter().zip(&self.appended).position(|(left, right)| left.words() != right.words());
        if lost || strange.is_some() || found.len() > self.appended.len() {
            return Err(format!(
                "life {}: {} found, {} acknowledged, {} appended, first difference {strange:?}",
                self.lives,
                found.len(),
                self.acknowledged,
                self.appended.len()
            ));
        }
        // What a start brings back is committed from then on.
        self.appended.truncate(found.len());
        self.acknowledged = found.len();
        self.lives += 1;
        Ok(())
    }
}

fn open<'a>(
    disk: &'a mut SimulatedDisk,
    options: &JournalOptions,
) -> Result<(Journal<&'a mut SimulatedDisk>, Vec<CommandSlot>, u64), JournalError> {
    let mut found = Vec::new();
    let (journal, recovered) = open_on(disk, options, &mut |_, command| found.push(*command), &mut |_| {})?;
    assert_eq!(recovered.last, Sequence(found.len() as u64));
    Ok((journal, found, recovered.term))
}

/// One life: opens, checks, appends and polls by chance, and loses power with writes under way.
fn live(disk: &mut SimulatedDisk, options: &JournalOptions, judge: &mut Judge) -> Result<(), String> {
    let steps = disk.below(120);
    let busy = 1 + disk.below(4);
    let chances: Vec<u64> = (0..steps).map(|_| disk.below(1 << 32)).collect();
    if disk.below(3) == 0 {
        let changes = disk.below(4);
        disk.fail_power_after(changes);
        if let Ok((journal, found, _)) = open(disk, options) {
            judge.check(&found)?;
            drop(journal);
        }
        disk.cut_power();
    }
    let (mut journal, found, _) = open(disk, options).map_err(|error| error.to_string())?;
    judge.check(&found)?;
    let mut now = Instant::now();
    for chance in chances {
        if chance % busy == 0 {
            let count = (1 + (chance >> 8) % 40).min(journal.room() as u64);
            let first = journal.appended().next();
            let begin = judge.appended.len();
            for _ in 0..count {
                judge.appended.push(judge.command());
            }
            journal.append(first, judge.appended[begin..].iter());
        }
        now += Duration::from_millis((chance >> 16) % 4);
        journal.poll(now).map_err(|error| error.to_string())?;
        judge.acknowledged = journal.durable().0 as usize;
    }
    drop(journal);
    disk.cut_power();
    Ok(())
}

fn run(seed: u64, prepare: impl Fn(&mut SimulatedDisk, u64)) -> Result<(), String> {
    let mut disk = SimulatedDisk::new(seed);
    let pages = 1 + (seed / 2) % 3;
    let options = JournalOptions {
        segment_bytes: pages * (16 << 10),
        record_bytes_max: pages as usize * (4 << 10),
        vouch_after: Duration::from_millis(3),
        ..options(Path::new("simulated"))
    };
    if seed % 2 == 1 {
        disk.recycle();
    }
    let mut judge = Judge::default();
    for life in 0..12 {
        prepare(&mut disk, life);
        live(&mut disk, &options, &mut judge)?;
    }
    Ok(())
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_else_comes_back() {
    for seed in 0..600 {
        if let Err(error) = run(seed, |_, _| {}) {
            panic!("seed {seed}: {error}");
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let lies = |disk: &mut SimulatedDisk, life| {
        if life == 6 {
            let next = disk.writes();
            (0..10).for_each(|number| disk.inject(next + 3 + number, Fault::Lie));
        }
    };
    let caught = (0..50).filter(|&seed| run(seed, lies).is_err()).count();
    assert!(caught > 25, "only {caught} of 50 lying disks were noticed");
}

#[test]
fn an_early_acknowledgement_would_be_seen() {
    let mut early = 0;
    for seed in 0..50 {
        let mut disk = SimulatedDisk::new(seed);
        let options = options(Path::new("simulated"));
        let mut judge = Judge::default();
        for _ in 0..6 {
            if live(&mut disk, &options, &mut judge).is_err() {
                early += 1;
                break;
            }
            // The planted fault: all that was appended is taken for acknowledged.
            judge.acknowledged = judge.appended.len();
        }
    }
    assert!(early > 25, "only {early} of 50 early acknowledgements were noticed");
}
