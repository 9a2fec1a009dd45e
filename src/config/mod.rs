//! The typed configuration.
//!
//! `default.toml` is the whole of it, with comments; a file is laid over it. Ports, folders, layout and
//! buffer sizes live here and nowhere else; instruments, accounts and sessions are market state, which
//! `[seed]` only gives to an empty data folder.

mod decimal;
mod document;
mod listing;
mod seed;
mod settings;
#[cfg(test)]
mod tests;
mod validate;

pub(crate) use listing::{WIRE_PRICE_DIGITS, WIRE_PRICE_MAX, WIRE_QUANTITY_MAX, currency};
pub(crate) use seed::{AccountSeed, CurrencySeed, InstrumentSeed, Seed, SessionSeed};
pub(crate) use settings::{
    Adapters, Backend, DayBegins, Demo, DemoMarket, Disk, Doors, EngineLimits, EventLog, Idle, Journal,
    Layout, Retention, Rings, Venue, Web, ZoneOffset,
};

use crate::cli::CheckOptions;
use crate::failure::Failure;
use crate::output;
use document::Fault;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The default configuration as `rotunda config` prints it.
pub(crate) const DEFAULT_TEXT: &str = include_str!("../default.toml");

/// One mistake can have many consequences: the first ones are enough to find it.
const FAULTS_SHOWN_MAX: usize = 10;

/// Everything that is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    pub(crate) venue: Venue,
    pub(crate) doors: Doors,
    pub(crate) web: Web,
    pub(crate) engine: EngineLimits,
    pub(crate) rings: Rings,
    pub(crate) journal: Journal,
    pub(crate) event_log: EventLog,
    pub(crate) retention: Retention,
    pub(crate) disk: Disk,
    pub(crate) adapters: Adapters,
    pub(crate) demo: Demo,
    pub(crate) seed: Seed,
}

/// Whether the simulated participants may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Participants {
    /// As `demo.enabled` says.
    AsConfigured,
    /// Not in this start.
    None,
}

/// Why a configuration cannot be used.
#[derive(Debug)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    Unreadable { path: PathBuf, error: std::io::Error },
    /// What it says is wrong; all faults that were found.
    Wrong { path: Option<PathBuf>, faults: Vec<Fault> },
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "cannot read the configuration {}: {error}", path.display())
            }
            Self::Wrong { path, faults } => {
                let name =
                    path.as_ref().map_or("default configuration".into(), |path| path.to_string_lossy());
                for fault in faults.iter().take(FAULTS_SHOWN_MAX) {
                    write_fault(f, &name, fault)?;
                }
                if let Some(more) = faults.len().checked_sub(FAULTS_SHOWN_MAX).filter(|&more| more > 0) {
                    writeln!(f, "and {more} more")?;
                }
                write!(f, "`rotunda config` prints every key with its meaning and default")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

fn write_fault(f: &mut std::fmt::Formatter<'_>, name: &str, fault: &Fault) -> std::fmt::Result {
    let Fault { line, key, message } = fault;
    match line {
        Some(line) => write!(f, "{name}:{line}: ")?,
        None => write!(f, "{name} (by default): ")?,
    }
    if !key.is_empty() {
        write!(f, "{key}: ")?;
    }
    writeln!(f, "{message}")
}

impl Configuration {
    /// The configuration in `path` laid over the defaults, or the defaults.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, or says something that cannot be.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(path, Participants::AsConfigured)
    }

    /// The same for a start that may go without the simulated participants: then nothing about them can be wrong.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn load_with(path: Option<&Path>, participants: Participants) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse_with("", None, participants) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), error })?;
        Self::parse_with(&text, Some(path), participants)
    }

    #[cfg(test)]
    fn parse(text: &str, path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::parse_with(text, path, Participants::AsConfigured)
    }

    fn parse_with(text: &str, path: Option<&Path>, participants: Participants) -> Result<Self, ConfigError> {
        let wrong = |faults| ConfigError::Wrong { path: path.map(Path::to_owned), faults };
        let mut configuration: Self =
            document::read_over(DEFAULT_TEXT, text).map_err(|fault| wrong(vec![fault]))?;
        configuration.demo.enabled &= participants == Participants::AsConfigured;
        let faults: Vec<Fault> = validate::faults(&configuration)
            .into_iter()
            .map(|(key, message)| Fault { line: document::line_of(text, &key), key, message })
            .collect();
        if faults.is_empty() { Ok(configuration) } else { Err(wrong(faults)) }
    }
}

/// `rotunda check`.
pub(crate) fn check(options: &CheckOptions) -> Result<(), Failure> {
    let configuration = Configuration::load(options.config.as_deref()).map_err(Failure::usage)?;
    let seed = &configuration.seed;
    output::print_line(&format!(
        "the configuration is valid: {} instruments, {} currencies, {} accounts, {} sessions; OUCH on {}, ITCH on {}, web on {}, data in {}",
        seed.instruments.len(),
        seed.currencies.len(),
        seed.accounts.len(),
        seed.sessions.len(),
        configuration.doors.ouch,
        configuration.doors.itch,
        configuration.web.address,
        configuration.venue.data.display(),
    ))
}

/// `rotunda config`.
pub(crate) fn print_default() -> Result<(), Failure> {
    output::print(DEFAULT_TEXT)
}
