//! What the stages of the pipeline count.

use super::{Counter, Histogram};
use engine::reason::Reject;
use std::time::Duration;

/// Numbers of reject reasons are below this.
const REASONS: usize = 64;
/// The pipeline looks at itself at least every tenth of a second; after so long without, it hangs.
const BEAT_MAX: Duration = Duration::from_secs(2);

/// The pipeline's numbers. Each is written by the stage that it is about.
#[derive(Debug)]
pub struct PipelineMetrics {
    /// Gate: the last command that was published.
    pub published: Counter,
    /// Matcher: the last command that was applied.
    pub matched: Counter,
    /// Journaler: the last command that it took from the ring.
    pub journaled: Counter,
    /// Journaler: the last command that may leave.
    pub committed: Counter,
    /// Outlet: the last command whose events are all out.
    pub released: Counter,
    /// Outlet: events let out.
    pub events: Counter,
    /// Outlet: the last command with an event that readers of the event log see, and that survives a power cut.
    pub event_log_written: Counter,
    /// See `event_log_written`.
    pub event_log_synced: Counter,
    /// Places of the input ring and of the output ring.
    pub input_slots: Counter,
    /// See `input_slots`.
    pub output_slots: Counter,
    /// Gate: open connections of the order and feed doors.
    pub connections: Counter,
    /// Gate: sessions that are connected.
    pub sessions: Counter,
    /// Journaler: from taking commands from the ring until they are durable.
    pub commit: Histogram,
    /// Gate: from a command's stamp at its door until its first event is about to be written to sockets.
    pub latency: Histogram,
    /// Journaler: since when the disk has owed a write and finished none, in milliseconds of
    /// [`Metrics::elapsed_ms`](super::Metrics::elapsed_ms); 0 while it moves.
    pub disk_stalled_since_ms: Counter,
    /// Gate: when it last looked at its sockets, in the same time.
    pub beat_ms: Counter,
    rejects: [Counter; REASONS],
}

impl Default for PipelineMetrics {
    fn default() -> Self {
        Self {
            published: Counter::default(),
            matched: Counter::default(),
            journaled: Counter::default(),
            committed: Counter::default(),
            released: Counter::default(),
            events: Counter::default(),
            event_log_written: Counter::default(),
            event_log_synced: Counter::default(),
            input_slots: Counter::default(),
            output_slots: Counter::default(),
            connections: Counter::default(),
            sessions: Counter::default(),
            commit: Histogram::default(),
            latency: Histogram::default(),
            disk_stalled_since_ms: Counter::default(),
            beat_ms: Counter::default(),
            rejects: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl PipelineMetrics {
    /// Gate: counts a refused command by its reason.
    pub fn reject(&self, reason: Reject) {
        if let Some(counter) = self.rejects.get(reason as usize) {
            counter.add(1);
        }
    }

    /// Why the pipeline does not go on at `now_ms`; `None` while it does.
    pub(super) fn fault(&self, now_ms: u64) -> Option<String> {
        let silent_ms = now_ms.saturating_sub(self.beat_ms.get());
        if u128::from(silent_ms) > BEAT_MAX.as_millis() {
            return Some(format!("the pipeline has not looked at its sockets for {} s", silent_ms / 1000));
        }
        match self.disk_stalled_since_ms.get() {
            0 => None,
            since => {
                let seconds = now_ms.saturating_sub(since) / 1000;
                Some(format!("the disk has finished no write of the journal for {seconds} s"))
            }
        }
    }

    pub(super) fn render(&self, page: &mut super::Page) {
        let (published, matched, journaled) = (&self.published, &self.matched, &self.journaled);
        let stages = [
            ("gate", published),
            ("matcher", matched),
            ("journaler", journaled),
            ("commit", &self.committed),
            ("egress", &self.released),
            ("event-log", &self.event_log_written),
            ("event-log-disk", &self.event_log_synced),
        ];
        let newest = published.get();
        let sequences = stages.iter().map(|(stage, counter)| (*stage, counter.get()));
        page.family(
            "stage_sequence",
            "gauge",
            "Last command that the stage is done with.",
            "stage",
            sequences,
        );
        let lags = stages.iter().map(|(stage, counter)| (*stage, newest.saturating_sub(counter.get())));
        page.family("stage_lag_commands", "gauge", "Commands published and not done.", "stage", lags);
        let waiting = newest.saturating_sub(matched.get().min(journaled.get()));
        page.family(
            "ring_slots",
            "gauge",
            "Places of the ring.",
            "ring",
            [("input", self.input_slots.get()), ("output", self.output_slots.get())],
        );
        page.family("ring_used_slots", "gauge", "Places of the ring in use.", "ring", [("input", waiting)]);
        page.one("commands_total", "counter", "Commands in the log.", newest);
        page.one("events_released_total", "counter", "Events released since the start.", self.events.get());
        page.one("connections", "gauge", "Open connections of order and feed doors.", self.connections.get());
        page.one("sessions_connected", "gauge", "Order sessions that are connected.", self.sessions.get());
        let reasons = (0_u8..).zip(&self.rejects).filter_map(|(number, counter)| {
            let reason = bytemuck::checked::try_cast::<u8, Reject>(number).ok()?;
            (reason != Reject::None).then(|| (format!("{reason:?}"), counter.get()))
        });
        page.family("rejects_total", "counter", "Orders refused, by reason.", "reason", reasons);
        self.commit.render(&mut page.0, "commit_seconds", "From the ring to the disk.");
        let help = "From a command's stamp at its door until its answer is about to be written.";
        self.latency.render(&mut page.0, "latency_seconds", help);
    }
}
