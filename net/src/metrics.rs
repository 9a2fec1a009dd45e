//! Numbers that the venue counts while it runs, and how Prometheus reads them.
//!
//! Each has one writer, which adds or sets; any thread reads. Nothing is ever summed up for a reader.

use crossbeam_utils::CachePadded;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

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
#[derive(Debug, Default)]
pub struct Metrics {
    /// The web door.
    pub web: WebMetrics,
    /// 1 while the venue takes orders.
    ready: Counter,
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

    /// The text that `GET /metrics` answers: Prometheus text format 0.0.4.
    #[must_use]
    pub fn render(&self) -> String {
        let web = &self.web;
        let mut out = String::with_capacity(4096);
        line(&mut out, "ready", "gauge", "1 while the venue takes orders.", self.ready.get());
        line(
            &mut out,
            "web_connections",
            "gauge",
            "Open connections of the web door.",
            web.connections.get(),
        );
        line(&mut out, "web_websockets", "gauge", "Open WebSocket connections.", web.websockets.get());
        line(&mut out, "web_readers", "gauge", "Subscriptions to streams.", web.readers.get());
        line(&mut out, "web_accepted_total", "counter", "Connections accepted.", web.accepted.get());
        line(&mut out, "web_refused_total", "counter", "Connections above the bound.", web.refused.get());
        line(&mut out, "web_cut_total", "counter", "Connections that the door ended.", web.cut.get());
        line(&mut out, "web_requests_total", "counter", "HTTP requests.", web.requests.get());
        line(&mut out, "web_written_bytes_total", "counter", "Bytes written to sockets.", web.bytes.get());
        line(&mut out, "web_events_total", "counter", "Events taken into the views.", web.events.get());
        let lag = "Age of the last event when the views took it in, nanoseconds.";
        line(&mut out, "web_lag_nanoseconds", "gauge", lag, web.lag_ns.get());
        out
    }
}

fn line(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    // Writing to a String cannot fail.
    let _ =
        write!(out, "# HELP rotunda_{name} {help}\n# TYPE rotunda_{name} {kind}\nrotunda_{name} {value}\n");
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
}
