//! What the log says of currencies, instruments, accounts and sessions: the sum of its events.

use super::SeedError;
use super::extent::Extent;
use engine::command::{AccountSetting, CommandKind, CommandSlot, InstrumentSetting, SessionSetting};
use engine::event::{
    Event, EventBody, EventKind, EventRecord, InstrumentEvent, NamedEvent, SessionAddedEvent, SettingEvent,
};
use engine::fields::{FieldError, Reader, Writer};
use engine::number::{AccountId, CurrencyId, InstrumentId, Sequence, Text};
use std::collections::BTreeMap;

/// Settings by number of what they belong to, and number of the setting.
type Settings = BTreeMap<(u32, u8), i64>;

/// Most of one kind that a snapshot may hold: ten for each account of the largest venue.
const COUNT_MAX: usize = 100_000_000;

/// The market's standing data, by name.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// What the log's first command, the seed's note, says of the seed.
    seed: Option<Extent>,
    currencies: BTreeMap<Text<16>, NamedEvent>,
    instruments: BTreeMap<Text<16>, InstrumentEvent>,
    accounts: BTreeMap<Text<16>, NamedEvent>,
    sessions: BTreeMap<Text<8>, SessionAddedEvent>,
    instrument_settings: Settings,
    account_settings: Settings,
    session_settings: Settings,
}

impl Known {
    /// Takes in an event; most say nothing of this kind.
    pub(crate) fn learn(&mut self, record: &EventRecord) {
        const RARE: [EventKind; 6] = [
            EventKind::Note,
            EventKind::Instrument,
            EventKind::Setting,
            EventKind::CurrencyAdded,
            EventKind::AccountAdded,
            EventKind::SessionAdded,
        ];
        if !RARE.iter().any(|kind| *kind as u8 == record.kind()) {
            return;
        }
        match record.view() {
            Ok(Event::Instrument(event)) => {
                self.instruments.insert(event.symbol, *event);
            }
            Ok(Event::Named(event)) if event.header.kind == EventKind::CurrencyAdded => {
                self.currencies.insert(event.name, *event);
            }
            Ok(Event::Named(event)) => {
                self.accounts.insert(event.name, *event);
            }
            Ok(Event::SessionAdded(event)) => {
                self.sessions.insert(event.name, *event);
            }
            Ok(Event::Setting(event)) => self.learn_setting(event),
            Ok(Event::Note(note)) if record.sequence() == Sequence(1) => {
                self.seed = Extent::read(note.who.as_str(), note.why.as_str());
            }
            Ok(
                Event::Detail(_)
                | Event::Accepted(_)
                | Event::Report(_)
                | Event::Session(_)
                | Event::Balance(_)
                | Event::Note(_)
                | Event::Level(_),
            )
            | Err(_) => {}
        }
    }

    fn learn_setting(&mut self, event: &SettingEvent) {
        let header = &event.header;
        let (settings, number) = match event.cause {
            CommandKind::ListInstrument | CommandKind::SetInstrument => {
                (&mut self.instrument_settings, header.instrument.0)
            }
            CommandKind::AddAccount | CommandKind::SetAccount => {
                (&mut self.account_settings, header.account.0)
            }
            CommandKind::AddSession | CommandKind::SetSession => {
                (&mut self.session_settings, header.session.0)
            }
            _ => return,
        };
        settings.insert((number, event.setting), event.value);
    }

    /// Whether a log that ends with the command `last` holds only a part of its seed.
    pub(crate) fn is_half_seeded(&self, last: Sequence) -> bool {
        self.seed.is_some_and(|seed| last.0 < seed.commands)
    }

    /// Whether `commands` are those that the log has a part of.
    ///
    /// # Errors
    /// The seed has changed since.
    pub(crate) fn check_seed(&self, commands: &[CommandSlot], done: Sequence) -> Result<(), SeedError> {
        match self.seed {
            Some(seed) if seed != Extent::of(commands) => {
                Err(SeedError::Changed { done: done.0, of: seed.commands })
            }
            _ => Ok(()),
        }
    }

    /// Appends what is known.
    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        out.flag(self.seed.is_some());
        if let Some(seed) = self.seed {
            out.put(seed.commands);
            out.put(seed.crc32);
        }
        put_all(self.currencies.values(), out);
        put_all(self.instruments.values(), out);
        put_all(self.accounts.values(), out);
        put_all(self.sessions.values(), out);
        for settings in [&self.instrument_settings, &self.account_settings, &self.session_settings] {
            out.count(settings.len());
            for ((number, setting), value) in settings {
                out.put(*number);
                out.put(*setting);
                out.put(*value);
            }
        }
    }

    /// Takes up what [`Self::encode`] appended.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, FieldError> {
        let seeded = reader.flag("flag of a seed")?;
        let extent = |reader: &mut Reader<'_>| -> Result<Extent, FieldError> {
            Ok(Extent { commands: reader.get()?, crc32: reader.get()? })
        };
        Ok(Self {
            seed: if seeded { Some(extent(reader)?) } else { None },
            currencies: take_all(reader, |event: &NamedEvent| event.name)?,
            instruments: take_all(reader, |event: &InstrumentEvent| event.symbol)?,
            accounts: take_all(reader, |event: &NamedEvent| event.name)?,
            sessions: take_all(reader, |event: &SessionAddedEvent| event.name)?,
            instrument_settings: take_settings(reader)?,
            account_settings: take_settings(reader)?,
            session_settings: take_settings(reader)?,
        })
    }

    pub(crate) fn currency(&self, name: &str) -> Option<&NamedEvent> {
        self.currencies.get(&Text::new(name)?)
    }

    pub(crate) fn currency_name(&self, number: CurrencyId) -> Option<Text<16>> {
        self.currencies.values().find(|event| event.currency == number).map(|event| event.name)
    }

    pub(crate) fn instrument(&self, symbol: &str) -> Option<&InstrumentEvent> {
        self.instruments.get(&Text::new(symbol)?)
    }

    /// A setting that the Instrument event does not carry; 0 where it was never set.
    pub(crate) fn instrument_setting(&self, number: InstrumentId, setting: InstrumentSetting) -> i64 {
        self.instrument_settings.get(&(number.0, setting as u8)).copied().unwrap_or(0)
    }

    pub(crate) fn account(&self, name: &str) -> Option<&NamedEvent> {
        self.accounts.get(&Text::new(name)?)
    }

    pub(crate) fn account_name(&self, number: AccountId) -> Option<Text<16>> {
        self.accounts.values().find(|event| event.header.account == number).map(|event| event.name)
    }

    pub(crate) fn owner_group(&self, account: &NamedEvent) -> u32 {
        let set = self.account_settings.get(&(account.header.account.0, AccountSetting::OwnerGroup as u8));
        set.and_then(|value| u32::try_from(*value).ok()).unwrap_or(account.owner_group)
    }

    pub(crate) fn session(&self, name: &str) -> Option<&SessionAddedEvent> {
        self.sessions.get(&Text::new(name)?)
    }

    /// A session's setting as last changed, else as it was made.
    pub(crate) fn session_setting(&self, session: &SessionAddedEvent, setting: SessionSetting) -> i64 {
        let set = self.session_settings.get(&(session.header.session.0, setting as u8));
        set.copied().unwrap_or(match setting {
            SessionSetting::Enabled => 1,
            SessionSetting::Rate => session.rate.into(),
            SessionSetting::CancelRate => session.cancel_rate.into(),
            SessionSetting::Burst => session.burst.into(),
            SessionSetting::CancelOnDisconnect => session.cancel_on_disconnect.into(),
            SessionSetting::SelfTrade => session.self_trade as i64,
        })
    }
}

fn put_all<'a, E: EventBody + 'a>(events: impl ExactSizeIterator<Item = &'a E>, out: &mut Writer<'_>) {
    out.count(events.len());
    events.for_each(|event| out.put(*event));
}

fn take_all<E: EventBody, const N: usize>(
    reader: &mut Reader<'_>,
    name: impl Fn(&E) -> Text<N>,
) -> Result<BTreeMap<Text<N>, E>, FieldError> {
    let mut events = BTreeMap::new();
    for _ in 0..reader.count(COUNT_MAX, "standing data")? {
        let event: E = reader.checked("event")?;
        events.insert(name(&event), event);
    }
    Ok(events)
}

fn take_settings(reader: &mut Reader<'_>) -> Result<Settings, FieldError> {
    let mut settings = Settings::new();
    for _ in 0..reader.count(COUNT_MAX, "settings")? {
        settings.insert((reader.get()?, reader.get()?), reader.get()?);
    }
    Ok(settings)
}
