//! The directory in a snapshot.

use super::{Directory, Instrument, Scale, Session, key, slot};
use engine::fields::{FieldError, Reader, Writer};
use engine::number::{InstrumentId, Sequence, SessionId, Text};

/// Most instruments and sessions that a snapshot may name: the highest that the engine can be set to.
const NUMBERS_MAX: usize = 1_000_000;
/// Most changes of tick that an instrument may have behind it.
const FORMER_MAX: usize = 1 << 16;

impl Directory {
    /// Appends what is known.
    pub(crate) fn encode(&self, out: &mut Writer<'_>) {
        out.put(self.date);
        out.put(self.connection_max);
        out.count(self.instruments().count());
        for instrument in self.instruments() {
            out.put(instrument.id);
            out.put(instrument.symbol);
            out.put(instrument.phase);
            put_scale(instrument.scale, out);
            out.count(instrument.former.len());
            for (last, scale) in &instrument.former {
                out.put(*last);
                put_scale(*scale, out);
            }
            // A longer symbol is not found by its first eight characters.
            out.flag(self.symbols.get(key(instrument.symbol)) == Some(instrument.id));
        }
        out.count(self.names.len());
        for (name, id) in &self.names {
            let session = self.session(*id).expect("a name is kept with its session");
            encode_session(name, session, out);
        }
    }

    /// Takes up what [`Self::encode`] appended.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, FieldError> {
        let mut directory = Self { date: reader.get()?, connection_max: reader.get()?, ..Self::default() };
        for _ in 0..reader.count(NUMBERS_MAX, "instruments")? {
            let id: InstrumentId = reader.get()?;
            reader.ensure((1..=NUMBERS_MAX).contains(&(id.0 as usize)), "number of an instrument")?;
            let symbol: [u8; 8] = reader.get()?;
            let phase = reader.choice("phase")?;
            let scale = take_scale(reader)?;
            let mut former = Vec::new();
            for _ in 0..reader.count(FORMER_MAX, "changes of tick")? {
                former.push((reader.get::<Sequence>()?, take_scale(reader)?));
            }
            if reader.flag("flag of a symbol")? {
                directory.symbols.insert(key(symbol), id);
            }
            *slot(&mut directory.instruments, id.0) = Some(Instrument { id, symbol, phase, scale, former });
        }
        for _ in 0..reader.count(NUMBERS_MAX, "sessions")? {
            let (name, session) = decode_session(reader)?;
            reader.ensure((1..=NUMBERS_MAX).contains(&(session.id.0 as usize)), "number of a session")?;
            directory.names.insert(name.as_bytes().to_vec(), session.id);
            let id = session.id;
            *slot(&mut directory.sessions, id.0) = Some(session);
        }
        Ok(directory)
    }
}

fn put_scale(scale: Scale, out: &mut Writer<'_>) {
    out.put(scale.tick_units);
    out.put(scale.revision);
}

fn take_scale(reader: &mut Reader<'_>) -> Result<Scale, FieldError> {
    Ok(Scale { tick_units: reader.get()?, revision: reader.get()? })
}

fn encode_session(name: &[u8], session: &Session, out: &mut Writer<'_>) {
    out.put(Text::<8>::from_ascii(name).unwrap_or_default());
    out.put(session.id);
    out.put(session.role);
    out.put(session.account);
    out.flag(session.enabled);
    out.put(session.salt);
    out.put(session.password_hash);
    out.put(session.day);
    out.put(session.next_report);
    out.put(session.day_since.sequence);
    out.put(session.day_since.ordinal);
    out.put(session.last_user_ref);
    out.put(session.connection);
}

fn decode_session(reader: &mut Reader<'_>) -> Result<(Text<8>, Session), FieldError> {
    let name = reader.get()?;
    let id: SessionId = reader.get()?;
    let session = Session {
        id,
        role: reader.choice("role")?,
        account: reader.get()?,
        enabled: reader.flag("session flag")?,
        salt: reader.get()?,
        password_hash: reader.get()?,
        day: reader.get()?,
        next_report: reader.get()?,
        day_since: journal::event_log::Address { sequence: reader.get()?, ordinal: reader.get()? },
        last_user_ref: reader.get()?,
        connection: reader.get()?,
    };
    Ok((name, session))
}
