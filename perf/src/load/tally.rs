//! What a run of the load client has seen.

use crate::histogram::{Percentiles, latency_histogram, rounded};
use crate::load::Pace;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Counted while a run goes on.
pub(super) struct Tally {
    pub(super) latency: Histogram<u64>,
    /// Commands sent and not answered.
    pub(super) unanswered: u32,
    pub(super) answered: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) cancelled: u64,
    pub(super) overtaken: u64,
    pub(super) executions: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            latency: latency_histogram(),
            unanswered: 0,
            answered: 0,
            accepted: 0,
            rejected: 0,
            cancelled: 0,
            overtaken: 0,
            executions: 0,
        }
    }

    /// A command of this moment was answered.
    pub(super) fn answer(&mut self, due_ns: u64, now_ns: u64) {
        self.unanswered -= 1;
        self.answered += 1;
        self.latency.saturating_record(now_ns.saturating_sub(due_ns));
    }
}

/// What a run found. Every command was answered: a run where one was not is an error.
#[derive(Clone, Debug)]
pub struct LoadResult {
    /// How commands were offered.
    pub pace: Pace,
    /// Sessions.
    pub sessions: usize,
    /// Commands answered.
    pub answered: u64,
    /// Orders accepted, among them.
    pub accepted: u64,
    /// Orders rejected.
    pub rejected: u64,
    /// Cancels carried out.
    pub cancelled: u64,
    /// Cancels whose order was filled while they were under way: answered by the fill.
    pub overtaken: u64,
    /// Execution reports.
    pub executions: u64,
    /// From the first command's moment to the last answer, in seconds.
    pub elapsed_s: f64,
    /// From the moment a command was due to its answer.
    pub latency: Percentiles,
}

impl LoadResult {
    pub(super) fn of(tally: &Tally, pace: Pace, sessions: usize, elapsed_ns: u64) -> Self {
        Self {
            pace,
            sessions,
            answered: tally.answered,
            accepted: tally.accepted,
            rejected: tally.rejected,
            cancelled: tally.cancelled,
            overtaken: tally.overtaken,
            executions: tally.executions,
            elapsed_s: elapsed_ns as f64 / 1e9,
            latency: Percentiles::of(&tally.latency),
        }
    }

    /// Commands answered a second: orders and cancels.
    #[must_use]
    pub fn commands_per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed_s
    }

    /// Orders accepted a second: cancels do not count.
    #[must_use]
    pub fn orders_per_second(&self) -> f64 {
        self.accepted as f64 / self.elapsed_s
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "pace": self.pace.to_string(),
            "sessions": self.sessions,
            "commands": self.answered,
            "orders_accepted": self.accepted,
            "orders_rejected": self.rejected,
            "cancelled": self.cancelled,
            "cancels_overtaken_by_fills": self.overtaken,
            "executions": self.executions,
            "elapsed_s": rounded(self.elapsed_s, 3),
            "commands_per_s": self.commands_per_second().round(),
            "orders_per_s": self.orders_per_second().round(),
            "latency": self.latency.json(),
        })
    }
}

impl std::fmt::Display for LoadResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} session{}, {}: {:.0} commands/s, {:.0} orders/s   {}",
            self.sessions,
            if self.sessions == 1 { "" } else { "s" },
            self.pace,
            self.commands_per_second(),
            self.orders_per_second(),
            self.latency
        )
    }
}
