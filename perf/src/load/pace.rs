//! When commands are due.

use crate::workload::SplitMix64;

/// How fast commands are offered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Closed: the next one as soon as fewer than this many are unanswered.
    InFlight(u32),
    /// Open: at random moments (a Poisson process), this many a second, whatever the venue does.
    Poisson(f64),
    /// Open: `size` of them at one moment, so often that this many a second come on average.
    Bursts {
        /// Commands a second.
        per_second: f64,
        /// Commands at one moment.
        size: u32,
    },
}

impl Pace {
    /// Commands a second that are offered; none where the answers decide.
    #[must_use]
    pub const fn offered_per_second(self) -> Option<f64> {
        match self {
            Self::InFlight(_) => None,
            Self::Poisson(per_second) | Self::Bursts { per_second, .. } => Some(per_second),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InFlight(count) => write!(f, "{count} in flight"),
            Self::Poisson(per_second) => write!(f, "{per_second:.0}/s at random"),
            Self::Bursts { per_second, size } => write!(f, "{per_second:.0}/s in bursts of {size}"),
        }
    }
}

/// Hands out the moments, in nanoseconds since the start of the run.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    random: SplitMix64,
    next_ns: f64,
    left_in_burst: u32,
}

impl Schedule {
    pub(super) fn new(pace: Pace, seed: u64, begin_ns: u64) -> Self {
        Self { pace, random: SplitMix64::new(seed), next_ns: begin_ns as f64, left_in_burst: 0 }
    }

    /// The moment of the next command, if it has come; the command is then taken as sent.
    pub(super) fn take_due(&mut self, now_ns: u64, unanswered: u32) -> Option<u64> {
        match self.pace {
            Pace::InFlight(window) => (unanswered < window).then_some(now_ns),
            Pace::Poisson(per_second) => {
                let due_ns = self.come(now_ns)?;
                // 1 - uniform is above 0, so that the logarithm is finite.
                self.next_ns -= (1.0 - self.random.uniform()).ln() * 1e9 / per_second;
                Some(due_ns)
            }
            Pace::Bursts { per_second, size } => {
                let due_ns = self.come(now_ns)?;
                self.left_in_burst =
                    if self.left_in_burst == 0 { size.max(1) } else { self.left_in_burst } - 1;
                if self.left_in_burst == 0 {
                    self.next_ns += f64::from(size.max(1)) * 1e9 / per_second;
                }
                Some(due_ns)
            }
        }
    }

    fn come(&self, now_ns: u64) -> Option<u64> {
        let due_ns = self.next_ns as u64;
        (due_ns <= now_ns).then_some(due_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(pace: Pace, until_ns: u64) -> Vec<u64> {
        let mut schedule = Schedule::new(pace, 5, 0);
        std::iter::from_fn(|| schedule.take_due(until_ns, 0)).collect()
    }

    #[test]
    fn random_moments_come_at_their_rate() {
        let moments = moments(Pace::Poisson(100_000.0), 1_000_000_000);
        assert!((98_000..102_000).contains(&moments.len()), "{}", moments.len());
        let gaps: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let short = gaps.iter().filter(|&&gap| gap < 10_000).count() as f64 / gaps.len() as f64;
        assert!((0.61..0.65).contains(&short), "1 - 1/e of the gaps are below the mean, not {short}");
    }

    #[test]
    fn bursts_share_one_moment() {
        let moments = moments(Pace::Bursts { per_second: 1_000.0, size: 10 }, 95_000_000);
        assert_eq!(moments.len(), 100);
        assert!(moments.chunks(10).all(|burst| burst.iter().all(|&at| at == burst[0])));
        assert_eq!(moments[10] - moments[0], 10_000_000);
    }

    #[test]
    fn a_closed_pace_waits_for_answers() {
        let mut schedule = Schedule::new(Pace::InFlight(2), 5, 0);
        assert_eq!(schedule.take_due(7, 1), Some(7));
        assert_eq!(schedule.take_due(8, 2), None);
    }
}
