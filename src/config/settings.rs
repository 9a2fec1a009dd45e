//! What the operator of a node sets: folders, addresses, threads, sizes.

use super::decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[venue]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Venue {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// Which stages share a thread.
    pub(crate) layout: Layout,
    /// Cores to pin to: sockets, engine. Empty: none.
    pub(crate) cores: Vec<usize>,
    /// What an idle thread does.
    pub(crate) idle: Idle,
    /// Whether acknowledgements wait for the disk.
    pub(crate) durable: bool,
    /// Whether addresses beyond loopback are allowed.
    pub(crate) insecure: bool,
    /// Where the trading day lies.
    pub(crate) zone: ZoneOffset,
    /// When a new day begins.
    pub(crate) day_begins: DayBegins,
}

/// Which stages share a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layout {
    /// `Inline` on one or two cores, else `Compact`.
    Auto,
    /// One thread for all.
    Inline,
    /// One for sockets, one for the engine.
    Compact,
    /// One for each of sockets, engine, journal and egress.
    Dedicated,
}

/// What a thread with nothing to do does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Idle {
    /// Spins, yields, sleeps.
    Park,
    /// Yields, never sleeps.
    Yield,
    /// Spins.
    Spin,
}

/// A distance from UTC in whole minutes, written `+01:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ZoneOffset {
    pub(crate) minutes: i32,
}

/// When a new day begins by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum DayBegins {
    /// Only by an operator.
    Manual,
    /// At this minute of the day in the venue's zone.
    At { minute: u32 },
}

/// `[doors]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Doors {
    /// OUCH over SoupBinTCP.
    pub(crate) ouch: SocketAddr,
    /// ITCH over SoupBinTCP.
    pub(crate) itch: SocketAddr,
    pub(crate) connections_max: usize,
    pub(crate) connections_per_address_max: usize,
    pub(crate) log_in_s_max: u64,
    pub(crate) silence_s_max: u64,
    pub(crate) heartbeat_s: u64,
    pub(crate) output_buffer_kib_max: usize,
    pub(crate) failed_log_ins_max: u32,
    pub(crate) packets_s_max: u32,
    pub(crate) packets_s_log_out: u32,
    pub(crate) mib_s_log_out: u32,
    pub(crate) breaches_max: u32,
}

/// `[web]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Web {
    pub(crate) enabled: bool,
    /// REST, WebSocket and the page.
    pub(crate) address: SocketAddr,
    pub(crate) connections_max: usize,
    pub(crate) streams_max: usize,
    pub(crate) messages_per_second_max: u32,
    pub(crate) request_s_max: u64,
    pub(crate) idle_s_max: u64,
    pub(crate) ping_s: u64,
    pub(crate) silence_s_max: u64,
    pub(crate) output_buffer_kib_max: usize,
}

/// `[engine]`: what is reserved at start.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineLimits {
    pub(crate) orders_max: u32,
    pub(crate) level_blocks_max: u32,
    pub(crate) instruments_max: u32,
    pub(crate) accounts_max: u32,
    pub(crate) sessions_max: u32,
    pub(crate) currencies_max: u16,
}

impl EngineLimits {
    /// The same as the engine takes them.
    pub(crate) const fn limits(&self) -> engine::limits::Limits {
        engine::limits::Limits {
            live_orders: self.orders_max,
            level_blocks: self.level_blocks_max,
            instruments: self.instruments_max,
            accounts: self.accounts_max,
            sessions: self.sessions_max,
            currencies: self.currencies_max,
        }
    }
}

/// `[rings]`: places, powers of two.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rings {
    pub(crate) input: usize,
    pub(crate) output: usize,
}

/// `[journal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    pub(crate) segment_mib: u64,
    pub(crate) backend: Backend,
    pub(crate) writes_in_flight: usize,
}

/// How the journal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Backend {
    /// `IoUring` where the system allows it.
    Auto,
    /// Direct synchronous writes by io_uring.
    IoUring,
    /// A thread that writes and syncs.
    Blocking,
}

/// `[event_log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLog {
    pub(crate) segment_mib: u64,
    pub(crate) sync_ms: u64,
}

/// `[retention]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) journal_mib: u64,
    pub(crate) event_log_mib_max: u64,
}

/// `[disk]`: shares of the disk that are free.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disk {
    pub(crate) refuse_percent: u64,
    pub(crate) stop_percent: u64,
}

/// `[adapters]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Adapters {
    pub(crate) json_lines: Vec<JsonLines>,
}

/// One sink of JSON lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonLines {
    /// Name of its cursor.
    pub(crate) name: String,
    /// File or named pipe.
    pub(crate) path: PathBuf,
}

/// `[demo]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Demo {
    pub(crate) enabled: bool,
    /// Commands a second in each market.
    pub(crate) pace: u32,
    /// Levels on each side.
    pub(crate) levels: u32,
    pub(crate) random_seed: u64,
    pub(crate) markets: Vec<DemoMarket>,
}

/// One market of the simulated participants.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DemoMarket {
    pub(crate) symbol: String,
    /// Where its price begins.
    pub(crate) reference: Decimal,
    /// The usual quantity of an order.
    pub(crate) quantity: Decimal,
    /// Session of the maker.
    pub(crate) maker: String,
    /// Session of the taker.
    pub(crate) taker: String,
}

impl TryFrom<String> for ZoneOffset {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a zone is a distance from UTC such as \"+01:00\" or \"-05:30\"";
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(WRONG),
        };
        let minutes = minute_of_day(rest).filter(|&minutes| minutes <= 14 * 60).ok_or(WRONG)?;
        Ok(Self { minutes: sign * i32::try_from(minutes).map_err(|_| WRONG)? })
    }
}

impl TryFrom<String> for DayBegins {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "manual" {
            return Ok(Self::Manual);
        }
        let minute = minute_of_day(&text).ok_or("a day begins at a time such as \"17:30\", or \"manual\"")?;
        Ok(Self::At { minute })
    }
}

fn minute_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}
