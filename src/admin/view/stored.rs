//! The operators' view in a snapshot.

use super::{AccountView, FILLS_MAX, Fill, OpenOrder, SessionView, View};
use engine::event::{EventBody, InstrumentEvent, NamedEvent, SessionAddedEvent};
use engine::fields::{FieldError, Reader, Writer};
use journal::event_log::Address;

/// Most of one kind that a snapshot may hold: more than the largest venue has orders.
const COUNT_MAX: usize = 100_000_000;

impl View {
    /// Appends the view: equal histories give equal bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut out = Writer(out);
        out.put(self.seen.sequence);
        out.put(self.seen.ordinal);
        out.put(self.events);
        out.put(self.date);
        out.put(self.trades);
        out.put(self.rejects);
        put_events(self.currencies.values(), &mut out);
        put_events(self.instruments.values(), &mut out);
        out.count(self.accounts.len());
        for account in self.accounts.values() {
            out.put(account.terms);
            out.flag(account.enabled);
        }
        out.count(self.sessions.len());
        for session in self.sessions.values() {
            out.put(session.terms);
            out.flag(session.connected);
            out.flag(session.enabled);
        }
        out.count(self.orders.len());
        for (order, open) in &self.orders {
            out.put(*order);
            put_order(open, &mut out);
        }
        out.count(self.fills.len());
        self.fills.iter().for_each(|fill| put_fill(fill, &mut out));
        out.count(self.totals.len());
        for ((account, currency), total) in &self.totals {
            out.put(*account);
            out.put(*currency);
            out.put(*total);
        }
    }

    /// Takes up what [`Self::encode`] appended.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let reader = &mut Reader::new(bytes);
        let mut view = Self {
            seen: Address { sequence: reader.get()?, ordinal: reader.get()? },
            events: reader.get()?,
            date: reader.get()?,
            trades: reader.get()?,
            rejects: reader.get()?,
            ..Self::default()
        };
        for _ in 0..reader.count(COUNT_MAX, "currencies")? {
            let event: NamedEvent = reader.checked("currency")?;
            view.currencies.insert(event.currency.0, event);
        }
        for _ in 0..reader.count(COUNT_MAX, "instruments")? {
            let event: InstrumentEvent = reader.checked("instrument")?;
            view.instruments.insert(event.header.instrument.0, event);
        }
        for _ in 0..reader.count(COUNT_MAX, "accounts")? {
            let terms: NamedEvent = reader.checked("account")?;
            let account = AccountView { terms, enabled: reader.flag("account flag")? };
            view.accounts.insert(terms.header.account.0, account);
        }
        for _ in 0..reader.count(COUNT_MAX, "sessions")? {
            let terms: SessionAddedEvent = reader.checked("session")?;
            let (connected, enabled) = (reader.flag("session flag")?, reader.flag("session flag")?);
            view.sessions.insert(terms.header.session.0, SessionView { terms, connected, enabled });
        }
        for _ in 0..reader.count(COUNT_MAX, "open orders")? {
            let order = reader.get()?;
            view.orders.insert(order, take_order(reader)?);
        }
        for _ in 0..reader.count(FILLS_MAX, "fills")? {
            view.fills.push_back(take_fill(reader)?);
        }
        for _ in 0..reader.count(COUNT_MAX, "balances")? {
            view.totals.insert((reader.get()?, reader.get()?), reader.get()?);
        }
        reader.finish()?;
        Ok(view)
    }
}

fn put_events<'a, E: EventBody + 'a>(events: impl ExactSizeIterator<Item = &'a E>, out: &mut Writer<'_>) {
    out.count(events.len());
    events.for_each(|event| out.put(*event));
}

fn put_order(order: &OpenOrder, out: &mut Writer<'_>) {
    out.put(order.session);
    out.put(order.account);
    out.put(order.instrument);
    out.put(order.user_ref);
    out.put(order.side);
    out.put(order.time_in_force);
    out.put(order.price);
    out.put(order.remaining);
    out.put(order.executed);
    out.put(order.fee_rate_max);
}

fn take_order(reader: &mut Reader<'_>) -> Result<OpenOrder, FieldError> {
    Ok(OpenOrder {
        session: reader.get()?,
        account: reader.get()?,
        instrument: reader.get()?,
        user_ref: reader.get()?,
        side: reader.choice("side")?,
        time_in_force: reader.choice("time in force")?,
        price: reader.get()?,
        remaining: reader.get()?,
        executed: reader.get()?,
        fee_rate_max: reader.get()?,
    })
}

fn put_fill(fill: &Fill, out: &mut Writer<'_>) {
    out.put(fill.time_ns);
    out.put(fill.order);
    out.put(fill.match_number);
    out.put(fill.session);
    out.put(fill.account);
    out.put(fill.instrument);
    out.put(fill.side);
    out.put(fill.price);
    out.put(fill.quantity);
    out.put(fill.fee);
}

fn take_fill(reader: &mut Reader<'_>) -> Result<Fill, FieldError> {
    Ok(Fill {
        time_ns: reader.get()?,
        order: reader.get()?,
        match_number: reader.get()?,
        session: reader.get()?,
        account: reader.get()?,
        instrument: reader.get()?,
        side: reader.choice("side")?,
        price: reader.get()?,
        quantity: reader.get()?,
        fee: reader.get()?,
    })
}
