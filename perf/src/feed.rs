//! How fast the feed is told again to a client that asks for all of it.

use crate::histogram::rounded;
use crate::load::{self, Pace};
use crate::server::Layout;
use crate::venue::{Comparison, Offer, SESSIONS_MAX, sessions_of};
use net::client::{Client, Credentials, Received};
use serde_json::{Value, json};
use std::error::Error;
use std::time::{Duration, Instant};

/// A feed that says nothing for this long has stopped.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// A reader of the default configuration.
const READER: &str = "itch01";

/// One reading of the day's feed.
#[derive(Clone, Copy, Debug)]
pub struct Replay {
    /// Messages.
    pub messages: u64,
    /// From the login to the last of them, in seconds.
    pub elapsed_s: f64,
}

impl Replay {
    /// Messages a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.messages as f64 / self.elapsed_s
    }

    /// As it is stored.
    #[must_use]
    pub fn json(self) -> Value {
        json!({
            "messages": self.messages,
            "elapsed_s": rounded(self.elapsed_s, 3),
            "messages_per_s": self.per_second().round(),
        })
    }
}

impl std::fmt::Display for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} messages in {:.2} s: {:.0}/s", self.messages, self.elapsed_s, self.per_second())
    }
}

/// Gives a new venue `comparison.many_commands` commands, then reads its feed from message 1, so many times.
///
/// # Errors
/// The venue does not start, the load fails, or the feed ends or falls silent before its last message.
pub fn replays(comparison: &Comparison, times: usize) -> Result<Vec<Replay>, Box<dyn Error>> {
    let offer = Offer {
        sessions: SESSIONS_MAX,
        pace: Pace::InFlight(4_096),
        commands: comparison.many_commands,
        durable: false,
        layout: Layout::Inline,
    };
    let server = comparison.start(offer)?;
    load::run(&comparison.load(&server, sessions_of(offer), offer))?;
    let address = server.feed.ok_or("this server has no feed")?;
    let last = Client::connect(address, &Credentials::from_now(READER, READER))?.next_sequence() - 1;
    let mut replays = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        let mut client = Client::connect(address, &Credentials::from_start(READER, READER))?;
        let mut read = 0;
        while read < last {
            match client.receive(Some(SILENCE_MAX))? {
                Some(Received::Message(number, _)) => read = number,
                Some(Received::EndOfSession) => return Err("the feed ended before its last message".into()),
                None => return Err(format!("the feed fell silent after message {read} of {last}").into()),
            }
        }
        replays.push(Replay { messages: last, elapsed_s: begun.elapsed().as_secs_f64() });
    }
    Ok(replays)
}
