//! Numbers that the venue counts while it runs, and how Prometheus reads them.
//!
//! Each has one writer, which adds or sets; any thread reads. Nothing is ever summed up for a reader.

mod histogram;
mod pipeline;

use crossbeam_utils::CachePadded;
pub use histogram::Histogram;
use histogram::Seconds;
pub use pipeline::PipelineMetrics;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A number that one thread writes. Padded: neighbours have other writers, which would take its cache line.
#[derive(Debug, Default)]
pub struct Counter(CachePadded<AtomicU64>);

impl Counter {
    /// Counts `more`. For the one writer of the number.
    #[inline]
    pub fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// Sets the number. For its one writer.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the web door counts.
#[derive(Debug, Default)]
pub struct WebMetrics {
    /// Connections that are open.
    pub connections: Counter,
    /// WebSocket connections among them.
    pub websockets: Counter,
    /// Subscriptions of all of them.
    pub readers: Counter,
    /// Connections since the start.
    pub accepted: Counter,
    /// Connections that were turned away because there were too many.
    pub refused: Counter,
    /// Connections that the door ended: too slow, too many messages, silent, malformed.
    pub cut: Counter,
    /// HTTP requests.
    pub requests: Counter,
    /// Bytes written to sockets.
    pub bytes: Counter,
    /// Events taken in from the log.
    pub events: Counter,
    /// Nanoseconds from the engine's clock of the last event taken in until it was.
    pub lag_ns: Counter,
}

/// All that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// The pipeline.
    pub pipeline: PipelineMetrics,
    /// The web door.
    pub web: WebMetrics,
    /// 1 while the venue takes orders.
    ready: Counter,
    started: Instant,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            pipeline: PipelineMetrics::default(),
            web: WebMetrics::default(),
            ready: Counter::default(),
            started: Instant::now(),
        }
    }
}

impl Metrics {
    /// Nothing counted yet, not ready.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the venue takes orders: what `/readyz` tells.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.get() == 1
    }

    /// Tells whether the venue takes orders.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(u64::from(ready));
    }

    /// `now` as milliseconds since these metrics were made, at least 1.
    #[must_use]
    pub fn elapsed_ms(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX).max(1)
    }

    /// Why the venue does not go on, which `/healthz` tells; `None` while it does, and before it is ready.
    #[must_use]
    pub fn fault(&self, now: Instant) -> Option<String> {
        if self.is_ready() { self.pipeline.fault(self.elapsed_ms(now)) } else { None }
    }

    /// The text that `GET /metrics` answers: Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let web = &self.web;
        let mut page = Page(String::with_capacity(16 << 10));
        page.one("ready", "gauge", "1 while the venue takes orders.", self.ready.get());
        self.pipeline.render(&mut page);
        let open = "Open connections of the web door.";
        page.one("web_connections", "gauge", open, web.connections.get());
        page.one("web_websockets", "gauge", "Open WebSocket connections.", web.websockets.get());
        page.one("web_readers", "gauge", "Subscriptions to streams.", web.readers.get());
        page.one("web_accepted_total", "counter", "Connections accepted.", web.accepted.get());
        page.one("web_refused_total", "counter", "Connections above the bound.", web.refused.get());
        page.one("web_cut_total", "counter", "Connections that the door ended.", web.cut.get());
        page.one("web_requests_total", "counter", "HTTP requests.", web.requests.get());
        page.one("web_written_bytes_total", "counter", "Bytes written to sockets.", web.bytes.get());
        page.one("web_events_total", "counter", "Events taken into the views.", web.events.get());
        page.head("web_lag_seconds", "gauge", "Age of the last event when the views took it in.");
        let _ = writeln!(page.0, "rotunda_web_lag_seconds {}", Seconds(web.lag_ns.get()));
        page.0
    }
}

/// The text of one answer.
struct Page(String);

impl Page {
    /// A metric without labels.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.0, "rotunda_{name} {value}");
    }

    /// A metric with one label.
    fn family<L: Display>(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (L, u64)>,
    ) {
        self.head(name, kind, help);
        for (value, sample) in samples {
            let _ = writeln!(self.0, "rotunda_{name}{{{label}=\"{value}\"}} {sample}");
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP rotunda_{name} {help}\n# TYPE rotunda_{name} {kind}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_rendered() {
        let metrics = Metrics::new();
        metrics.web.accepted.add(2);
        metrics.web.accepted.add(1);
        metrics.set_ready(true);
        let text = metrics.render();
        assert!(text.contains("# TYPE rotunda_web_accepted_total counter\nrotunda_web_accepted_total 3\n"));
        assert!(text.contains("rotunda_ready 1\n") && metrics.is_ready());
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
    }

    #[test]
    fn a_disk_that_stands_still_and_a_pipeline_that_hangs_are_faults() {
        let metrics = Metrics::new();
        let after = |ms| metrics.started + std::time::Duration::from_millis(ms);
        assert_eq!(metrics.fault(after(60_000)), None, "it is not open yet");
        metrics.set_ready(true);
        metrics.pipeline.beat_ms.set(60_000);
        assert_eq!(metrics.fault(after(61_000)), None);
        metrics.pipeline.disk_stalled_since_ms.set(59_000);
        let told = metrics.fault(after(61_000)).unwrap_or_default();
        assert!(told.contains("disk") && told.contains("2 s"), "{told}");
        let told = metrics.fault(after(70_000)).unwrap_or_default();
        assert!(told.contains("pipeline") && told.contains("10 s"), "{told}");
    }
}
