//! From the engine to bytes.

use super::{MAGIC, VERSION};
use crate::fields::Writer;
use crate::instruments::Instrument;
use crate::levels::NONE;
use crate::matcher::Engine;
use crate::number::InstrumentId;
use crate::orders::{Details, Traits};
use crate::sessions::{Bucket, Session};

/// Appends the state of `engine`.
pub(crate) fn encode(engine: &Engine, out: &mut Vec<u8>) {
    let mut out = Writer(out);
    out.put(MAGIC);
    out.put(VERSION);
    out.put(engine.date);
    out.put(engine.sequence);
    out.put(engine.clock);
    out.put(engine.event_hash);
    out.put(engine.next_order);
    out.put(engine.next_match);
    out.count(engine.currencies.len());
    for currency in &engine.currencies {
        out.put(currency.name);
        out.put(currency.digits);
    }
    out.count(engine.accounts.list.len());
    for account in &engine.accounts.list {
        out.put(account.name);
        out.put(account.mode);
        out.flag(account.enabled);
        out.put(account.owner_group);
    }
    out.count(engine.accounts.balances().count());
    for (account, currency, balance) in engine.accounts.balances() {
        out.put(account);
        out.put(currency);
        out.put(balance.available);
        out.put(balance.reserved);
    }
    out.count(engine.sessions.len());
    for session in &engine.sessions {
        encode_session(session, &mut out);
    }
    out.count(engine.instruments.len());
    for (number, instrument) in (1..).zip(&engine.instruments) {
        encode_listing(instrument, &mut out);
        let handles: Vec<u32> =
            engine.book(InstrumentId(number)).map(|book| book.all().collect()).unwrap_or_default();
        out.count(handles.len());
        for handle in handles {
            encode_order(engine, handle, &mut out);
        }
    }
}

fn encode_session(session: &Session, out: &mut Writer<'_>) {
    out.put(session.name);
    out.put(session.salt);
    out.put(session.password_hash);
    out.put(session.account);
    out.put(session.role);
    out.put(session.self_trade);
    out.flag(session.cancel_on_disconnect);
    out.flag(session.enabled);
    out.put(session.connection);
    out.put(session.reports);
    out.put(session.last_user_ref);
    out.put(session.carried_user_ref);
    out.put(session.burst);
    for bucket in [&session.orders, &session.cancels] {
        let Bucket { parts, at, rate } = *bucket;
        out.put(rate);
        out.put(parts);
        out.put(at);
    }
}

fn encode_listing(instrument: &Instrument, out: &mut Writer<'_>) {
    let (listing, book) = (&instrument.listing, &instrument.book);
    out.put(listing.symbol);
    out.put(listing.base);
    out.put(listing.quote);
    out.put(listing.tick);
    out.put(listing.lot);
    out.put(listing.tick_digits);
    out.put(listing.lot_digits);
    out.put(listing.phase);
    out.put(listing.matching);
    out.flag(listing.signed_prices);
    out.put(listing.revision);
    out.put(listing.price_max);
    out.put(listing.quantity_max);
    out.put(listing.value_max);
    out.put(listing.collar);
    out.put(listing.static_band);
    out.put(listing.dynamic_band);
    out.put(listing.reference);
    out.put(listing.maker_fee);
    out.put(listing.taker_fee);
    out.put(book.ladders[0].depth() as u8);
    out.put(book.level_change);
    out.put(book.last_price);
    out.put(book.trades);
}

fn encode_order(engine: &Engine, handle: u32, out: &mut Writer<'_>) {
    let hot = engine.orders.hot(handle);
    let terms = engine.orders.terms(handle);
    debug_assert!(hot.traits.has(Traits::TIMED) == (terms.timer != NONE), "timers know their orders");
    out.put(hot.side());
    out.put(hot.id);
    out.put(hot.session);
    out.put(hot.user_ref);
    out.put(hot.account);
    out.put(hot.price);
    out.put(hot.open);
    out.put(hot.executed);
    out.put(terms.prevented);
    out.put(terms.reservation);
    out.put(terms.maker_rate);
    out.put(terms.taker_rate);
    out.put(terms.residue);
    out.put(terms.firm);
    out.put(terms.conditions);
    out.put(terms.group);
    out.put(terms.order_type);
    out.put(terms.time_in_force);
    out.put(terms.self_trade);
    out.put(terms.capacity);
    out.put(terms.list_role);
    out.put(terms.door);
    let details = engine.orders.details(handle);
    out.flag(details != Details::EMPTY);
    if details != Details::EMPTY {
        out.put(details.client_id);
        out.put(details.list);
        out.put(details.trigger);
        out.put(details.expires);
        out.put(details.floor);
    }
}
