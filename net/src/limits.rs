//! Every bound of the doors, and what happens there.

use std::time::Duration;

/// Bounds that can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorLimits {
    /// Connections of both doors together. For one more, the connection that has waited longest without
    /// a log-in makes room; where all are logged in, the newcomer is told so and closed.
    pub connections_max: usize,
    /// Connections from one address (of IPv6: one /64). One more is told so and closed.
    pub connections_per_address_max: usize,
    /// A connection that is not logged in by then is closed.
    pub log_in_max: Duration,
    /// A client from which nothing comes for so long is closed; so is one that takes nothing of what
    /// waits for it.
    pub silence_max: Duration,
    /// After so much silence of ours a heartbeat is sent.
    pub heartbeat: Duration,
    /// Log-ins that may fail from one address in a minute; more are rejected unseen until the minute
    /// is over.
    pub failed_log_ins_max: u32,
    /// Packets that a connection may send in a second; orders above are answered by rejects.
    pub packets_s_max: u32,
    /// A connection that sends more packets in a second is logged out.
    pub packets_s_log_out: u32,
    /// A connection that sends more bytes in a second is logged out.
    pub bytes_s_log_out: u32,
    /// Orders that may be rejected for their rate in a minute; at one more the connection is logged out.
    pub breaches_max: u32,
    /// Bytes that may wait for one client. A client at the bound is served from the event log, at its
    /// own pace, until it has caught up. At least 64 KiB.
    pub output_bytes_max: usize,
}

impl Default for DoorLimits {
    /// 4,096 connections, 1,024 from an address; 30 s to log in; 30 s of silence; heartbeats after 1 s; 30 failed
    /// log-ins; 1 million packets a second, logged out at twice that or 256 MiB; 1,000 breaches; 1 MiB.
    fn default() -> Self {
        Self {
            connections_max: 4096,
            connections_per_address_max: 1024,
            log_in_max: Duration::from_secs(30),
            silence_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(1),
            failed_log_ins_max: 30,
            packets_s_max: 1_000_000,
            packets_s_log_out: 2_000_000,
            bytes_s_log_out: 256 << 20,
            breaches_max: 1000,
            output_bytes_max: 1 << 20,
        }
    }
}

/// Least that `output_bytes_max` is taken as.
pub(crate) const OUTPUT_BYTES_MIN: usize = 64 << 10;
/// Bytes read from one socket before the others have their turn.
pub(crate) const READ_BYTES: usize = 64 << 10;
/// Connections accepted from one listener in one poll: each costs the others about 20 µs.
pub(crate) const ACCEPTS_PER_POLL: usize = 2;
/// Readiness events taken from the kernel at once; more wait for the next poll.
pub(crate) const EVENTS_PER_POLL: usize = 256;
/// Connections with a stream that are read in one poll; more wait for the next, so that answers go out between.
pub(crate) const TURNS_PER_POLL: usize = 128;
/// The same for connections that are not logged in, or no longer: they wait for those that are.
pub(crate) const OUTSIDE_TURNS_PER_POLL: usize = 2;
/// Connections without a session's reports (feed, refused, being closed) that are written to in one flush.
pub(crate) const OUTSIDE_FLUSHES: usize = 64;
/// Events read from the log for one connection in one poll.
pub(crate) const CATCH_UP_EVENTS: usize = 512;
/// Connections that catch up in one poll; more take turns.
pub(crate) const CATCH_UPS_PER_POLL: usize = 4;
/// How often each connection is looked at for heartbeats, silence and logins that do not come.
pub(crate) const UPKEEP_ROUND_NS: u64 = 100_000_000;
/// Connections looked at in one poll; the round takes longer where that is not enough.
pub(crate) const UPKEEP_PER_POLL: usize = 64;
/// Heartbeats sent and connections ended by upkeep in one poll, each a few system calls.
pub(crate) const UPKEEP_ACTIONS_PER_POLL: usize = 4;
/// Account queries of a connection in a second; at one more it is logged out.
pub(crate) const QUERIES_S_MAX: u32 = 10_000;
/// The window of what is bounded by the second.
pub(crate) const SECOND_NS: u64 = 1_000_000_000;
/// How often a connection that waits for the event log is looked at while the doors sleep.
pub(crate) const LOG_WAIT: Duration = Duration::from_millis(1);
/// A connection that is being closed may take so long to read what is left for it.
pub(crate) const LINGER_NS: u64 = 1_000_000_000;
/// Feed messages are handed to the readers at the latest at so many bytes.
pub(crate) const FEED_BATCH_BYTES: usize = 128 << 10;
/// One feed message in so many can be found in the log directly.
pub(crate) const FEED_INDEX_EVERY: u64 = 1024;
/// Addresses whose failed log-ins are counted in a minute; of more, none are.
pub(crate) const ADDRESSES_MAX: usize = 4096;
/// The minute of `failed_log_ins_max` and `breaches_max`.
pub(crate) const MINUTE_NS: u64 = 60_000_000_000;
