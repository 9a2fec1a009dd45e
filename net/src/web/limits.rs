//! Every bound of the web door, and what happens there.

use std::time::Duration;

/// Bounds that can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebLimits {
    /// Connections at a time; the next one is answered 503 and closed.
    pub connections_max: usize,
    /// Streams that one connection may follow; one more is refused.
    pub streams_max: usize,
    /// Messages that a WebSocket client may send in a second; one more and it is closed with code 1008.
    pub messages_per_second_max: u32,
    /// A request must be whole so soon after its first byte; else it is answered 408 and closed.
    pub request_max: Duration,
    /// A connection without a request, or one that takes nothing of what waits for it, is closed after this.
    pub idle_max: Duration,
    /// A WebSocket client is pinged so often.
    pub ping: Duration,
    /// A WebSocket client from which nothing came for so long is dropped.
    pub silence_max: Duration,
    /// Bytes that may wait for one WebSocket client; at the bound it is cut. At least 128 KiB.
    pub output_bytes_max: usize,
}

impl Default for WebLimits {
    /// 2,048 connections; 1,024 streams; 5 messages a second; 10 s for a request; idle for 60 s; pings every
    /// 20 s, dropped after 60 s; 1 MiB.
    fn default() -> Self {
        Self {
            connections_max: 2048,
            streams_max: 1024,
            messages_per_second_max: 5,
            request_max: Duration::from_secs(10),
            idle_max: Duration::from_secs(60),
            ping: Duration::from_secs(20),
            silence_max: Duration::from_secs(60),
            output_bytes_max: 1 << 20,
        }
    }
}

/// Largest head of a request, and largest message of a WebSocket client.
pub(crate) const REQUEST_BYTES_MAX: usize = 4096;
/// Least that `output_bytes_max` is taken as: more than `CONFLATE_BYTES` and the largest update.
pub(crate) const OUTPUT_BYTES_MIN: usize = 128 << 10;
/// A client for which so much waits gets no more levels, tickers and candles until it has taken it; then it
/// gets one update for all that it missed.
pub(crate) const CONFLATE_BYTES: usize = 64 << 10;
/// Bytes of answers to requests that wait for all clients together; more requests are answered 503.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Depth updates of a stream for which a slow client can be made up; one that is further behind is cut.
pub(crate) const HISTORY_TICKS_MAX: usize = 64;
/// Levels in these updates together; the oldest updates go first.
pub(crate) const HISTORY_LEVELS_MAX: usize = 65_536;
/// Streams of all connections together that are made; one more is refused.
pub(crate) const STREAMS_TOTAL_MAX: usize = 65_536;
/// Events taken from the log before the sockets have their turn.
pub(crate) const EVENTS_PER_TURN: usize = 4096;
/// Connections accepted in one turn.
pub(crate) const ACCEPTS_PER_TURN: usize = 64;
/// Requests and messages of one connection in one turn.
pub(crate) const REQUESTS_PER_TURN: usize = 16;
/// Readiness events taken from the kernel at once.
pub(crate) const READINESS_PER_TURN: usize = 1024;
/// Buffers handed to the kernel in one write.
pub(crate) const BUFFERS_PER_WRITE: usize = 64;
/// Levels, candles and slow tickers go out so often.
pub(crate) const TICK_MS: u64 = 100;
/// Every so many ticks the streams of one second go out too.
pub(crate) const TICKS_PER_SECOND: u64 = 10;
/// How often deadlines are looked at.
pub(crate) const SCAN_MS: u64 = 250;
/// A connection that is being closed may take so long to read what is left for it.
pub(crate) const LINGER_MS: u64 = 1000;
