//! Room on the disk: below one threshold new orders are refused, below another one the venue stops.

use crate::config::Disk;
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// How much of a disk is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Free {
    blocks: u64,
    blocks_total: u64,
}

impl Free {
    fn of(path: &Path) -> Result<Self, Failure> {
        let stat = rustix::fs::statvfs(path)
            .map_err(|error| Failure::new(format!("{}: free space: {error}", path.display())))?;
        Ok(Self { blocks: stat.f_bavail, blocks_total: stat.f_blocks })
    }

    const fn is_below(self, percent: u64) -> bool {
        self.blocks.saturating_mul(100) < self.blocks_total.saturating_mul(percent)
    }

    /// In hundredths of a percent.
    const fn hundredths(self) -> u64 {
        match self.blocks.saturating_mul(10_000).checked_div(self.blocks_total) {
            Some(hundredths) => hundredths,
            None => 0,
        }
    }
}

impl std::fmt::Display for Free {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = self.hundredths();
        write!(f, "{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// What the disk allows. The keeper looks, the stages ask.
#[derive(Debug, Default)]
pub(crate) struct DiskRoom {
    refuses: AtomicBool,
    /// Why the venue has to stop.
    out: OnceLock<String>,
}

impl DiskRoom {
    /// New orders are to be refused.
    pub(crate) fn refuses(&self) -> bool {
        self.refuses.load(Ordering::Relaxed)
    }

    /// Why the venue was stopped, if it was for want of room.
    pub(crate) fn out(&self) -> Option<&str> {
        self.out.get().map(String::as_str)
    }
}

/// Looks at the disk of a folder.
pub(crate) struct DiskWatch {
    path: PathBuf,
    thresholds: Disk,
    room: Arc<DiskRoom>,
}

impl DiskWatch {
    /// A watch over the disk of `path`, which has been looked at once.
    ///
    /// # Errors
    /// It is below the threshold already at which a venue stops, or cannot be looked at.
    pub(crate) fn new(path: &Path, thresholds: &Disk) -> Result<Self, Failure> {
        let watch = Self {
            path: path.to_owned(),
            thresholds: thresholds.clone(),
            room: Arc::new(DiskRoom::default()),
        };
        watch.look(&AtomicBool::new(false))?;
        match watch.room.out() {
            Some(why) => Err(Failure::new(why)),
            None => Ok(watch),
        }
    }

    pub(crate) fn room(&self) -> Arc<DiskRoom> {
        Arc::clone(&self.room)
    }

    /// Looks at the disk; sets `stop` where it has no room to go on.
    ///
    /// # Errors
    /// The system cannot tell.
    pub(crate) fn look(&self, stop: &AtomicBool) -> Result<(), Failure> {
        let free = Free::of(&self.path)?;
        let Disk { refuse_percent, stop_percent } = self.thresholds;
        let refuses = free.is_below(refuse_percent);
        let refused = self.room.refuses.swap(refuses, Ordering::Relaxed);
        match (refused, refuses) {
            (false, true) => tracing::warn!(
                %free,
                refuse_percent,
                "the disk is short of room: new orders are refused, cancels are taken; free some space"
            ),
            (true, false) => tracing::info!(%free, "the disk has room again: new orders are taken"),
            _ => {}
        }
        if free.is_below(stop_percent) {
            self.room.out.get_or_init(|| {
                format!(
                    "{}: {free} of the disk is free, the venue stops below {stop_percent} % (disk.stop_percent); \
                     nothing acknowledged is lost: free some space or move the folder to a larger disk, then start \
                     again",
                    self.path.display()
                )
            });
            stop.store(true, Ordering::Release);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_share_of_the_whole_disk() {
        let free = Free { blocks: 49, blocks_total: 1_000 };
        assert!(free.is_below(5) && !free.is_below(4) && !free.is_below(0));
        assert_eq!(free.to_string(), "4.90 %");
        assert!(
            !Free { blocks: 0, blocks_total: 0 }.is_below(5),
            "a disk that tells no size has no threshold"
        );
    }
}
