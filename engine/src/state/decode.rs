//! From bytes to the engine. The bytes may be damaged: every value is looked at before it is used, and
//! nothing is allocated beyond what the limits reserve.

use super::{MAGIC, StateError, VERSION};
use crate::accounts::{Account, Need};
use crate::book::Book;
use crate::fields::{FieldError, Reader};
use crate::instruments::{Currency, DIGITS_MAX, Instrument, Listing};
use crate::levels::{DEPTH_MAX, Ladder, LevelRef, NONE};
use crate::limits::Limits;
use crate::matcher::Engine;
use crate::number::{CurrencyId, Timestamp};
use crate::orders::{Agreed, Details, HotOrder, Terms, Traits};
use crate::sessions::{Bucket, Session};
use crate::terms::{Conditions, OrderType, Role, SelfTrade, Side, TimeInForce};

/// Largest sum of an account: far above all money, far below where sums would wrap.
const SUM_MAX: i128 = 1 << 100;

/// The engine whose state `bytes` are.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Engine, StateError> {
    let mut reader = Reader::new(bytes);
    if reader.get::<[u8; 8]>()? != MAGIC {
        return Err(StateError::Magic);
    }
    let version: u32 = reader.get()?;
    if version != VERSION {
        return Err(StateError::Version { found: version });
    }
    let mut engine = Engine::new(limits);
    engine.date = reader.get()?;
    engine.sequence = reader.get()?;
    engine.clock = reader.get()?;
    engine.event_hash = reader.get()?;
    engine.next_order = reader.get()?;
    engine.next_match = reader.get()?;
    for _ in 0..reader.count(usize::from(limits.currencies), "currencies")? {
        let currency = Currency { name: reader.get()?, digits: reader.get()? };
        reader.ensure(currency.digits <= DIGITS_MAX, "digits of a currency")?;
        engine.currencies.push(currency);
    }
    for number in 1..=reader.count(limits.accounts as usize, "accounts")? {
        let account = decode_account(number, &mut reader)?;
        engine.accounts.push(account);
    }
    decode_balances(&mut engine, &mut reader)?;
    for _ in 0..reader.count(limits.sessions as usize, "sessions")? {
        let session = decode_session(&engine, &mut reader)?;
        engine.sessions.push(session);
    }
    let instruments_max = limits.instruments.min(u32::from(u16::MAX)) as usize;
    for _ in 0..reader.count(instruments_max, "instruments")? {
        let instrument = decode_instrument(&engine, &mut reader)?;
        let changes = instrument.book.level_change;
        engine.instruments.push(instrument);
        for _ in 0..reader.count(limits.live_orders as usize, "live orders")? {
            decode_order(&mut engine, &mut reader)?;
        }
        if let Some(instrument) = engine.instruments.last_mut() {
            instrument.book.level_change = changes;
        }
    }
    check_reserved(&engine, &reader)?;
    engine.find_ordinary();
    reader.finish()?;
    Ok(engine)
}

fn decode_account(number: u32, reader: &mut Reader<'_>) -> Result<Account, StateError> {
    let name = reader.get()?;
    let mode = reader.choice("account mode")?;
    let enabled = reader.flag("account flag")?;
    let owner_group = reader.get()?;
    Ok(Account { owner: Account::owner(number, owner_group), mode, enabled, owner_group, name })
}

fn decode_balances(engine: &mut Engine, reader: &mut Reader<'_>) -> Result<(), StateError> {
    let (accounts, currencies) = (engine.accounts.list.len(), engine.currencies.len());
    for _ in 0..reader.count((accounts + 1) * currencies, "balances")? {
        let (account, currency): (u32, u16) = (reader.get()?, reader.get()?);
        let known = account as usize <= accounts && (1..=currencies).contains(&usize::from(currency));
        reader.ensure(known, "account or currency of a balance")?;
        let (available, reserved): (i128, i128) = (reader.get()?, reader.get()?);
        reader.ensure(available.abs() < SUM_MAX && (0..SUM_MAX).contains(&reserved), "balance")?;
        let balance = engine.accounts.balance_mut(account, currency);
        balance.available = available;
        balance.reserved = reserved;
    }
    Ok(())
}

fn decode_session(engine: &Engine, reader: &mut Reader<'_>) -> Result<Session, StateError> {
    let now = engine.clock.0;
    let bucket = |reader: &mut Reader<'_>| -> Result<Bucket, FieldError> {
        let bucket = Bucket { rate: reader.get()?, parts: reader.get()?, at: reader.get()? };
        reader.ensure(bucket.at <= now, "clock of a rate bucket")?;
        Ok(bucket)
    };
    let mut session = Session {
        name: reader.get()?,
        salt: reader.get()?,
        password_hash: reader.get()?,
        account: reader.get()?,
        role: reader.choice("role")?,
        self_trade: reader.choice("self-trade prevention")?,
        cancel_on_disconnect: reader.flag("session flag")?,
        enabled: reader.flag("session flag")?,
        connection: reader.get()?,
        reports: reader.get()?,
        last_user_ref: reader.get()?,
        carried_user_ref: reader.get()?,
        burst: reader.get()?,
        orders: bucket(reader)?,
        cancels: bucket(reader)?,
        live_orders: 0,
        ledger: false,
        ordinary: false,
    };
    session.ledger = engine.accounts.is_ledger(session.account);
    let account = session.account as usize <= engine.accounts.list.len()
        && (session.account != 0 || session.role != Role::Trader);
    reader.ensure(account, "account of a session")?;
    reader.ensure(session.self_trade != SelfTrade::SessionDefault, "default of self-trade prevention")?;
    Ok(session)
}

fn decode_instrument(engine: &Engine, reader: &mut Reader<'_>) -> Result<Instrument, StateError> {
    let mut listing = Listing {
        symbol: reader.get()?,
        base: reader.get()?,
        quote: reader.get()?,
        tick: reader.get()?,
        lot: reader.get()?,
        tick_digits: reader.get()?,
        lot_digits: reader.get()?,
        phase: reader.choice("phase")?,
        matching: reader.choice("matching")?,
        signed_prices: reader.flag("listing flag")?,
        revision: reader.get()?,
        price_max: reader.get()?,
        quantity_max: reader.get()?,
        value_max: reader.get()?,
        collar: reader.get()?,
        static_band: reader.get()?,
        dynamic_band: reader.get()?,
        reference: reader.get()?,
        maker_fee: reader.get()?,
        taker_fee: reader.get()?,
        unit: 0,
        ordinary_max: 0,
        bounded: false,
        lot_units: 0,
    };
    let currency = |id: CurrencyId| engine.currencies.get(usize::from(id.0).wrapping_sub(1));
    let (Some(base), Some(quote)) = (currency(listing.base), currency(listing.quote)) else {
        return Err(reader.wrong("currency of a listing").into());
    };
    reader.ensure(listing.is_sound() && listing.scale(base, quote), "listing")?;
    let depth = u32::from(reader.get::<u8>()?);
    let needed = Ladder::depth_for(listing.price_max, listing.signed_prices);
    reader.ensure((needed..=DEPTH_MAX as u32).contains(&depth), "depth of a ladder")?;
    let mut book = Book::with_depth(depth, listing.signed_prices);
    book.level_change = reader.get()?;
    book.last_price = reader.get()?;
    book.trades = reader.get()?;
    Ok(Instrument { book, listing })
}

fn decode_order(engine: &mut Engine, reader: &mut Reader<'_>) -> Result<(), StateError> {
    let side: Side = reader.choice("side")?;
    let mut hot = HotOrder {
        id: reader.get()?,
        session: reader.get()?,
        user_ref: reader.get()?,
        account: reader.get()?,
        price: reader.get()?,
        open: reader.get()?,
        executed: reader.get()?,
        next: NONE,
        prev: NONE,
        level: LevelRef::NONE,
        book: engine.instruments.len() as u16 - 1,
        traits: Traits(side as u16),
        agreed: Agreed::NONE,
    };
    let terms = decode_terms(reader)?;
    let details = if reader.flag("detail flag")? { decode_details(reader)? } else { Details::EMPTY };
    let ledger = engine.accounts.is_ledger(hot.account);
    hot.traits = hot
        .traits
        .with_if(Traits::HIDDEN, terms.conditions.contains(Conditions::HIDDEN))
        .with_if(Traits::LEDGER, ledger)
        .with_if(Traits::CHARGED, ledger || terms.maker_rate != 0 || terms.taker_rate != 0)
        .with_if(Traits::DETAILED, details != Details::EMPTY);
    check_order(engine, &hot, &terms, reader)?;
    if engine.orders.is_full() {
        return Err(StateError::Limit { what: "live orders" });
    }
    let book = &mut engine.instruments[usize::from(hot.book)].book;
    let ladder = book.ladder(side);
    if !ladder.has_room(&engine.pool, ladder.key(hot.price)) {
        return Err(StateError::Limit { what: "price levels" });
    }
    let order = engine.orders.take();
    (hot.level, hot.prev, _) = book.append(&mut engine.pool, &mut engine.orders, (order, &hot));
    engine.orders.put(order, hot, terms);
    engine.orders.put_details(order, details);
    if terms.time_in_force == TimeInForce::GoodTillDate {
        reader.ensure(details.expires > engine.clock, "expiry of an order")?;
        engine.set_timer(order, details.expires.0);
    }
    engine.index.insert(hot.session, hot.user_ref, order);
    engine.sessions[hot.session as usize - 1].live_orders += 1;
    Ok(())
}

fn decode_terms(reader: &mut Reader<'_>) -> Result<Terms, FieldError> {
    Ok(Terms {
        prevented: reader.get()?,
        reservation: reader.get()?,
        maker_rate: reader.get()?,
        taker_rate: reader.get()?,
        residue: reader.get()?,
        timer: NONE,
        firm: reader.get()?,
        conditions: reader.get()?,
        group: reader.get()?,
        order_type: reader.choice("order type")?,
        time_in_force: reader.choice("time in force")?,
        self_trade: reader.choice("self-trade prevention")?,
        capacity: reader.get()?,
        list_role: reader.get()?,
        door: reader.get()?,
    })
}

fn decode_details(reader: &mut Reader<'_>) -> Result<Details, FieldError> {
    Ok(Details {
        client_id: reader.get()?,
        list: reader.get()?,
        trigger: reader.get()?,
        expires: Timestamp(reader.get()?),
        floor: reader.get()?,
    })
}

/// Whether the engine could have come to hold such an order.
fn check_order(
    engine: &Engine,
    hot: &HotOrder,
    terms: &Terms,
    reader: &Reader<'_>,
) -> Result<(), FieldError> {
    let Instrument { listing, book } = &engine.instruments[usize::from(hot.book)];
    let session = engine.sessions.get((hot.session as usize).wrapping_sub(1));
    let owned = session.is_some_and(|session| session.account == hot.account);
    reader.ensure(owned, "session of an order")?;
    reader.ensure(engine.index.find(hot.session, hot.user_ref) == NONE, "number of an order")?;
    reader.ensure(hot.id != 0 && hot.id <= engine.next_order, "order number")?;
    reader.ensure(book.ladder(hot.side()).reaches(hot.price), "price of an order")?;
    let total = hot.open.checked_add(hot.executed).and_then(|lots| lots.checked_add(terms.prevented));
    reader.ensure(hot.open > 0 && total.is_some(), "quantity of an order")?;
    let rests = terms.order_type == OrderType::Limit
        && terms.self_trade != SelfTrade::SessionDefault
        && matches!(
            terms.time_in_force,
            TimeInForce::Day | TimeInForce::GoodTillCancelled | TimeInForce::GoodTillDate
        );
    reader.ensure(rests, "resting order")?;
    let notional = i128::from(hot.price).checked_mul(i128::from(hot.open));
    let notional = notional.and_then(|value| value.checked_mul(i128::from(listing.unit)));
    let Some(notional) = notional.filter(|value| i64::try_from(*value).is_ok()) else {
        return Err(reader.wrong("value of an order"));
    };
    let rates = crate::instruments::FEE_MAX;
    let sound = [terms.maker_rate, terms.taker_rate].iter().all(|rate| (-rates..=rates).contains(rate));
    reader.ensure(sound && terms.residue < rates as u32, "fee of an order")?;
    let need = Need {
        side: hot.side(),
        notional,
        base: i128::from(hot.open) * i128::from(listing.lot_units),
        rate_max: terms.maker_rate.max(terms.taker_rate),
        residue: terms.residue,
    };
    let held = if hot.traits.has(Traits::LEDGER) { need.amount() } else { Some(0) };
    let covered = !(hot.traits.has(Traits::LEDGER) && listing.signed_prices);
    reader.ensure(covered && held == Some(terms.reservation), "reservation of an order")
}

/// What the accounts hold in reserve is what their orders need.
fn check_reserved(engine: &Engine, reader: &Reader<'_>) -> Result<(), StateError> {
    let currencies = engine.currencies.len();
    let mut sums = vec![0i128; (engine.accounts.list.len() + 1) * currencies];
    for (handle, hot) in engine.orders.iter() {
        let listing = &engine.instruments[usize::from(hot.book)].listing;
        let currency = match hot.side() {
            Side::Buy => listing.quote,
            Side::Sell => listing.base,
        };
        let place = hot.account as usize * currencies + usize::from(currency.0) - 1;
        sums[place] += i128::from(engine.orders.terms(handle).reservation);
    }
    for account in 0..=engine.accounts.list.len() as u32 {
        for currency in 1..=currencies as u16 {
            let sum = sums[account as usize * currencies + usize::from(currency) - 1];
            let reserved = engine.accounts.balance(account, currency).reserved;
            reader.ensure(reserved == sum, "sum of reservations")?;
        }
    }
    Ok(())
}
