//! From `[seed]` to commands for an empty data folder, and what later differs from it.
//!
//! The log wins over the configuration: instruments, accounts and sessions are market state and enter by
//! commands only. So the seed is used once; afterwards a difference is told, with the command that would
//! apply it, and nothing is changed.

mod difference;
mod extent;
mod known;

pub(crate) use difference::differences;
use extent::Extent;
pub(crate) use known::Known;

use crate::config::{AccountSeed, Seed, SessionSeed, ZoneOffset, currency};
use crate::time;
use engine::command::{AddSessionCommand, CommandKind, CommandSlot, OperatorCommand, SessionCommand};
use engine::number::{AccountId, InstrumentId, Money, SessionId, Timestamp};

/// Why a seed yields no commands.
#[derive(Debug)]
pub(crate) enum SeedError {
    /// A name or number that the configuration's own check would have refused.
    Unchecked { key: String, message: String },
    /// The system gives no random bytes, which passwords need.
    Random(getrandom::Error),
    /// The first start was cut while it seeded, with another seed than this.
    Changed {
        /// Commands of that seed that are in the log.
        done: u64,
        /// Commands that it had.
        of: u64,
    },
}

impl std::fmt::Display for SeedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unchecked { key, message } => write!(f, "{key}: {message}"),
            Self::Random(error) => write!(f, "no random bytes for the salt of passwords: {error}"),
            Self::Changed { done, of } => write!(
                f,
                "the first start on this data folder was cut after {done} of the {of} commands of its [seed], and the \
                 configuration's [seed] is another one now; start once more with the seed as it was, or delete the \
                 folder, in which nobody has traded"
            ),
        }
    }
}

impl std::error::Error for SeedError {}

/// The commands that make `seed` of an empty market: a note, the first day, then currencies,
/// instruments, accounts with their deposits, and sessions, each numbered in the order of its list.
///
/// # Errors
/// The seed was not checked, or the system has no random bytes.
pub(crate) fn commands(seed: &Seed, zone: ZoneOffset, now: Timestamp) -> Result<Vec<CommandSlot>, SeedError> {
    // The note comes first and counts the others: it is put in its place when they are known.
    let mut commands = vec![CommandSlot::EMPTY, new_day(zone, now)];
    for (index, currency) in seed.currencies.iter().enumerate() {
        let mut command = OperatorCommand::blank(CommandKind::AddCurrency, now);
        let (number, _) =
            known_currency(seed, currency.name.as_str(), || format!("seed.currencies[{index}]"))?;
        command.currency = number;
        command.name = currency.name;
        command.filter = currency.digits;
        commands.push(CommandSlot::new(&command));
    }
    for (index, instrument) in seed.instruments.iter().enumerate() {
        let number = InstrumentId(number(index));
        let listing = instrument.listing(number, &seed.currencies, now);
        let listing = listing.map_err(|(key, message)| SeedError::Unchecked {
            key: format!("seed.instruments[{index}].{key}"),
            message,
        })?;
        commands.push(CommandSlot::new(&listing));
    }
    for (index, account) in seed.accounts.iter().enumerate() {
        add_account(seed, AccountId(number(index)), account, now, &mut commands)?;
    }
    for (index, session) in seed.sessions.iter().enumerate() {
        let command = add_session(seed, SessionId(number(index)), session, now)?;
        commands.push(CommandSlot::new(&command));
    }
    commands[0] = Extent::of(&commands).note(now);
    Ok(commands)
}

/// Numbers count from 1: 0 names none.
fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

fn new_day(zone: ZoneOffset, now: Timestamp) -> CommandSlot {
    let mut day = SessionCommand::blank(CommandKind::NewDay, now);
    day.date = time::date(now, zone.minutes);
    CommandSlot::new(&day)
}

fn add_account(
    seed: &Seed,
    number: AccountId,
    account: &AccountSeed,
    now: Timestamp,
    commands: &mut Vec<CommandSlot>,
) -> Result<(), SeedError> {
    let mut command = OperatorCommand::blank(CommandKind::AddAccount, now);
    command.account = number;
    command.name = account.name;
    command.mode = account.mode.into();
    command.owner_group = account.owner_group;
    commands.push(CommandSlot::new(&command));
    for (name, amount) in &account.deposits {
        let key = || format!("seed.accounts: {}: deposits.{name}", account.name);
        let (currency, digits) = known_currency(seed, name, key)?;
        let value = amount.in_units_of_digits(digits).ok_or_else(|| SeedError::Unchecked {
            key: key(),
            message: format!("{amount} is no amount of {name}"),
        })?;
        let mut command = OperatorCommand::blank(CommandKind::Deposit, now);
        command.account = number;
        command.currency = currency;
        command.value = Money(value).0;
        commands.push(CommandSlot::new(&command));
    }
    Ok(())
}

fn known_currency(
    seed: &Seed,
    name: &str,
    key: impl FnOnce() -> String,
) -> Result<(engine::number::CurrencyId, u8), SeedError> {
    let found = currency(&seed.currencies, name).map(|(number, currency)| (number, currency.digits));
    found.ok_or_else(|| SeedError::Unchecked {
        key: key(),
        message: format!("{name} is none of seed.currencies"),
    })
}

fn add_session(
    seed: &Seed,
    number_of_session: SessionId,
    session: &SessionSeed,
    now: Timestamp,
) -> Result<AddSessionCommand, SeedError> {
    let account = seed.accounts.iter().position(|account| account.name == session.account);
    let account = account.ok_or_else(|| SeedError::Unchecked {
        key: format!("seed.sessions: {}: account", session.name),
        message: format!("{} is none of seed.accounts", session.account),
    })?;
    let mut command = AddSessionCommand::blank(CommandKind::AddSession, now);
    command.session = number_of_session;
    command.account = AccountId(number(account));
    command.name = session.name;
    command.role = session.role.into();
    command.self_trade = session.self_trade.into();
    command.cancel_on_disconnect = u8::from(session.cancel_on_disconnect);
    command.rate = session.rate;
    command.burst = session.burst;
    command.cancel_rate = session.cancel_rate;
    getrandom::fill(&mut command.salt).map_err(SeedError::Random)?;
    command.password_hash = net::password_hash(&command.salt, session.password.as_bytes());
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Configuration;
    use engine::command::Command;
    use engine::limits::Limits;
    use engine::matcher::Engine;
    use engine::number::{Sequence, Text};

    #[test]
    fn the_default_seed_yields_every_command_in_order() {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let now = Timestamp(1_777_689_383_000_000_000);
        let commands = commands(&configuration.seed, configuration.venue.zone, now).expect("commands");
        let seed = &configuration.seed;
        let deposits: usize = seed.accounts.iter().map(|account| account.deposits.len()).sum();
        let lists =
            seed.currencies.len() + seed.instruments.len() + seed.accounts.len() + seed.sessions.len();
        assert_eq!(commands.len(), 2 + lists + deposits);
        assert!(matches!(commands[1].view(), Ok(Command::Session(day)) if day.date == 20_260_502));
        let btcusd = commands.iter().find_map(|slot| match slot.view() {
            Ok(Command::List(list)) if list.symbol.as_str() == "BTCUSD" => Some(*list),
            _ => None,
        });
        let btcusd = btcusd.expect("BTCUSD is listed");
        assert_eq!((btcusd.tick, btcusd.tick_digits, btcusd.lot, btcusd.lot_digits), (1, 0, 1, 8));
        assert_eq!((btcusd.instrument.0, btcusd.price_max.0, btcusd.taker_fee), (1, 429_496, 200));
        let last =
            commands.last().map(|slot| slot.view().map(|command| matches!(command, Command::AddSession(_))));
        assert_eq!(last, Some(Ok(true)));
    }

    /// Cut after any command, a first start goes on to the market that an uncut one makes.
    #[test]
    fn a_seed_that_was_cut_anywhere_goes_on() {
        let Configuration { venue, mut seed, .. } =
            Configuration::load(None).expect("the defaults are valid");
        let commands = |seed: &Seed, now| commands(seed, venue.zone, Timestamp(now)).expect("commands");
        let whole = known_after(&seed, venue.zone);
        let first = commands(&seed, 1);
        assert!(!whole.is_half_seeded(Sequence(first.len() as u64)));
        assert!(!whole.is_half_seeded(Sequence(first.len() as u64 + 9)));
        // The next start may be on the next day.
        let again = commands(&seed, 86_400_000_000_001);
        for cut in 1..first.len() {
            let mut engine = Engine::new(&Limits::default());
            let mut known = Known::default();
            let mut take = |slots: &[CommandSlot], known: &mut Known| {
                for slot in slots {
                    let mut events = Vec::new();
                    engine.apply(engine.last_sequence().next(), slot, &mut events);
                    events.iter().for_each(|event| known.learn(event));
                }
            };
            take(&first[..cut], &mut known);
            assert!(known.is_half_seeded(Sequence(cut as u64)), "{cut}");
            assert!(known.check_seed(&again, Sequence(cut as u64)).is_ok(), "{cut}");
            take(&again[cut..], &mut known);
            assert_eq!(differences(&seed, &known), [], "{cut}");
            assert!(!known.is_half_seeded(engine.last_sequence()), "{cut}");
        }
        let mut half = Known::default();
        let mut events = Vec::new();
        Engine::new(&Limits::default()).apply(Sequence(1), &first[0], &mut events);
        events.iter().for_each(|event| half.learn(event));
        seed.instruments[0].collar = "7".parse().expect("a decimal");
        assert!(
            matches!(half.check_seed(&commands(&seed, 1), Sequence(1)), Err(SeedError::Changed { done: 1, of }) if of == first.len() as u64)
        );
    }

    /// What an empty market knows once it has taken the seed.
    fn known_after(seed: &Seed, zone: ZoneOffset) -> Known {
        let mut engine = Engine::new(&Limits::default());
        let mut events = Vec::new();
        for (slot, sequence) in commands(seed, zone, Timestamp(1)).expect("commands").iter().zip(1..) {
            engine.apply(Sequence(sequence), slot, &mut events);
        }
        let mut known = Known::default();
        events.iter().for_each(|event| known.learn(event));
        known
    }

    #[test]
    fn a_snapshot_holds_all_that_is_known() {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let known = known_after(&configuration.seed, configuration.venue.zone);
        let bytes = |known: &Known| {
            let mut bytes = Vec::new();
            known.encode(&mut engine::fields::Writer(&mut bytes));
            bytes
        };
        let stored = bytes(&known);
        let read = Known::decode(&mut engine::fields::Reader::new(&stored)).expect("encoded a moment ago");
        assert_eq!(bytes(&read), stored);
        assert_eq!(differences(&configuration.seed, &read), []);
        assert!(read.is_half_seeded(Sequence(5)), "how long the seed is goes with it");
    }

    #[test]
    fn a_market_does_not_differ_from_its_own_seed() {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let known = known_after(&configuration.seed, configuration.venue.zone);
        assert_eq!(differences(&configuration.seed, &known), []);
    }

    #[test]
    fn differences_name_the_command_that_would_apply_them() {
        let Configuration { venue, mut seed, .. } =
            Configuration::load(None).expect("the defaults are valid");
        let known = known_after(&seed, venue.zone);
        seed.instruments[0].collar = "7".parse().expect("a decimal");
        seed.sessions[0].rate = 9;
        seed.accounts.truncate(1);
        seed.accounts[0].name = Text::new("new").expect("fits");
        let found = differences(&seed, &known);
        let remedies: Vec<&str> = found.iter().map(|difference| difference.remedy.as_str()).collect();
        let expected = [
            "rotunda admin set-instrument BTCUSD collar 7",
            "rotunda admin add-account new --mode external --owner-group 0",
            "rotunda admin set-session demo01 rate 9",
        ];
        assert_eq!(remedies, expected);
    }

    #[test]
    fn equal_passwords_have_different_hashes() {
        let configuration = Configuration::load(None).expect("the defaults are valid");
        let seed = &configuration.seed;
        let make = || add_session(seed, SessionId(1), &seed.sessions[0], Timestamp(0)).expect("a session");
        assert_ne!(make().password_hash, make().password_hash);
    }
}
