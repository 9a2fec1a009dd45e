//! Who is in the crowd, and the sessions that the venue is given for them.

use serde_json::{Value, json};
use std::fmt::Write as _;

/// Sessions with a rate that their owner ignores.
const BURSTING_MAX: usize = 8;
/// Readers of the feed that never read.
const DEAF_MAX: usize = 8;
/// Orders a second that a bursting session may enter, far below what it sends.
const RATE: u32 = 10;

/// How many of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Logged in to a session, and nothing but a heartbeat now and then.
    pub idle: usize,
    /// Logged in, and each packet in single bytes.
    pub slow: usize,
    /// Connected and never a byte: as clients look that vanished before they said a word.
    pub silent: usize,
    /// Places that are taken in turn by garbage and by log-ins with wrong passwords.
    pub hostile: usize,
    /// Sessions that send bursts far above their rate, and log in again when they are logged out.
    pub bursting: usize,
    /// Readers of the feed that never read.
    pub deaf: usize,
}

impl Shares {
    /// The mix of a crowd of so many: half idle, a fifth slow, a fifth silent, a tenth hostile.
    #[must_use]
    pub fn of(connections: usize) -> Self {
        let (slow, silent, tenth) = (connections / 5, connections / 5, connections / 10);
        let bursting = BURSTING_MAX.min(tenth / 3);
        let deaf = DEAF_MAX.min(tenth / 3);
        let hostile = tenth - bursting - deaf;
        Self { idle: connections - slow - silent - tenth, slow, silent, hostile, bursting, deaf }
    }

    /// Everybody.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.idle + self.slow + self.silent + self.hostile + self.bursting + self.deaf
    }

    /// The name of session `number` of the crowd; its password is its name.
    pub(super) fn session(number: usize) -> String {
        format!("c{number:05}")
    }

    /// The number of the first session that bursts; below are those of the idle and the slow.
    pub(super) const fn first_bursting(&self) -> usize {
        self.idle + self.slow
    }

    /// The venue's configuration: demo sessions for the honest, and a session for each of the crowd that logs in.
    pub(super) fn settings(&self, core: usize) -> String {
        let connections = self.all() + 64;
        let sessions_max = self.first_bursting() + self.bursting + 64;
        let mut text = format!(
            "[venue]\nlayout = \"inline\"\ncores = [{core}]\nidle = \"spin\"\ndurable = false\n\n\
             [doors]\nouch = \"127.0.0.1:0\"\nitch = \"127.0.0.1:0\"\nconnections_max = {connections}\n\
             connections_per_address_max = {connections}\nlog_in_s_max = 600\nsilence_s_max = 60\n\n\
             [engine]\nsessions_max = {sessions_max}\n\n[demo]\nenabled = false\n\n[web]\nenabled = false\n\n[seed]\nsessions = [\n"
        );
        let mut add = |name: &str, account: &str, more: &str| {
            let row =
                format!("{{ name = \"{name}\", password = \"{name}\", account = \"{account}\"{more} }}");
            writeln!(text, "    {row},").expect("a string takes all");
        };
        for number in 1..=16 {
            let name = format!("demo{number:02}");
            add(&name, &name, "");
        }
        add("itch01", "demo01", ", role = \"market-data\"");
        for number in 0..self.first_bursting() {
            add(&Self::session(number), "demo16", "");
        }
        for number in 0..self.bursting {
            let more = format!(", rate = {RATE}, burst = {RATE}");
            add(&Self::session(self.first_bursting() + number), "demo16", &more);
        }
        text.push_str("]\n");
        text
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "connections": self.all(),
            "idle": self.idle,
            "slow": self.slow,
            "silent": self.silent,
            "hostile": self.hostile,
            "bursting": self.bursting,
            "never_reading": self.deaf,
        })
    }
}

impl std::fmt::Display for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} connections: {} idle, {} slow, {} silent, {} hostile, {} bursting, {} never reading",
            self.all(),
            self.idle,
            self.slow,
            self.silent,
            self.hostile,
            self.bursting,
            self.deaf
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_the_whole() {
        for connections in [0, 1, 10, 99, 1_000, 10_000] {
            assert_eq!(Shares::of(connections).all(), connections);
        }
        let shares = Shares::of(1_000);
        assert_eq!((shares.idle, shares.slow, shares.silent), (500, 200, 200));
        assert_eq!(shares.settings(0).matches("name = ").count(), 16 + 1 + 500 + 200 + 8);
    }
}
