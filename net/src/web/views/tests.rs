//! Views against a stream of hand-made events.

use super::{Change, Interval, MarketViews, Ticker, ViewsError};
use bytemuck::Zeroable;
use engine::event::{
    EventKind, EventRecord, Flags, Header, InstrumentEvent, LevelEvent, OrderFields, ReportEvent,
};
use engine::number::{InstrumentId, MatchNumber, Money, OrderId, Price, Quantity, Sequence, Text, Timestamp};
use engine::terms::{Phase, Side};

pub(crate) const MINUTE_NS: u64 = 60_000_000_000;
/// 2026-11-26 12:34:00 UTC.
pub(crate) const START_NS: u64 = 1_795_696_440_000_000_000;

fn header(sequence: u64, time_ns: u64, kind: EventKind, side: Side, flags: Flags, order: u64) -> Header {
    Header {
        sequence: Sequence(sequence),
        time: Timestamp(time_ns),
        kind,
        side,
        reason: 0,
        flags,
        ordinal: 0,
        session: Zeroable::zeroed(),
        report: Zeroable::zeroed(),
        instrument: InstrumentId(1),
        account: Zeroable::zeroed(),
        order: OrderId(order),
    }
}

/// Instrument 1, `BTCUSD`: tick 0.5, lot 0.001.
pub(crate) fn listing(sequence: u64, revision: u16) -> EventRecord {
    EventRecord::new(&InstrumentEvent {
        header: header(sequence, START_NS, EventKind::Instrument, Side::Buy, Flags::NONE, 0),
        symbol: Text::new("BTCUSD").expect("a symbol"),
        tick: 5,
        lot: 1,
        price_max: Price(1_000_000),
        quantity_max: Quantity(100_000),
        unit: Money(1),
        base: Zeroable::zeroed(),
        quote: Zeroable::zeroed(),
        tick_digits: 1,
        lot_digits: 3,
        phase: Phase::Continuous,
        matching: engine::terms::Matching::PriceTime,
        maker_fee: 0,
        taker_fee: 0,
        revision,
        cause: engine::command::CommandKind::ListInstrument,
        signed_prices: 0,
        lot_units: 1,
    })
}

/// A level of instrument 1 is this now.
pub(crate) fn level(sequence: u64, side: Side, price: i64, quantity: u64, change: u64) -> EventRecord {
    EventRecord::new(&LevelEvent {
        header: header(sequence, START_NS, EventKind::Level, side, Flags::LEVEL, 0),
        order: OrderFields {
            price: Price(price),
            level_quantity: Quantity(quantity),
            level_orders: u32::from(quantity > 0),
            level_change: change,
            ..OrderFields::default()
        },
        reserved_tail: [0; 4],
    })
}

/// What order 77 took, or another event about it.
pub(crate) struct Taken {
    pub(crate) sequence: u64,
    pub(crate) time_ns: u64,
    pub(crate) number: u64,
    pub(crate) price: i64,
    pub(crate) quantity: u64,
    pub(crate) flags: Flags,
}

pub(crate) fn taken(taken: &Taken) -> EventRecord {
    let flags = Flags::TAKER.with(taken.flags);
    EventRecord::new(&ReportEvent {
        header: header(taken.sequence, taken.time_ns, EventKind::Executed, Side::Buy, flags, 77),
        order: OrderFields {
            price: Price(taken.price),
            quantity: Quantity(taken.quantity),
            ..OrderFields::default()
        },
        match_number: MatchNumber(taken.number),
        counterparty: OrderId(1),
        fee: Money(0),
        executed: Quantity(taken.quantity),
    })
}

fn trade(views: &mut MarketViews, number: u64, price: i64, quantity: u64, flags: Flags) -> Change {
    let time_ns = START_NS + number * 1_000_000;
    views.learn(&taken(&Taken { sequence: 10, time_ns, number, price, quantity, flags }))
}

#[test]
fn levels_are_as_the_last_event_said() {
    let mut views = MarketViews::new();
    views.learn(&level(1, Side::Buy, 10, 5, 1));
    assert!(views.market(InstrumentId(1)).is_none(), "never listed");
    assert!(views.learn(&listing(2, 1)).listing);
    for (side, price, quantity, change) in [
        (Side::Buy, 10, 5, 1),
        (Side::Buy, 12, 7, 2),
        (Side::Sell, 15, 2, 3),
        (Side::Sell, 14, 1, 4),
        (Side::Buy, 12, 0, 5),
    ] {
        let told = views.learn(&level(2 + change, side, price, quantity, change));
        assert_eq!(told.level, Some((side, Price(price))));
    }
    let book = &views.market_of("btcusd").expect("listed").book;
    let prices =
        |side| book.levels(side).map(|(price, level)| (price.0, level.quantity.0)).collect::<Vec<_>>();
    assert_eq!((prices(Side::Buy), prices(Side::Sell)), (vec![(10, 5)], vec![(14, 1), (15, 2)]));
    assert_eq!(book.change(), 5);
}

#[test]
fn trades_of_one_order_at_one_price_are_one() {
    let mut views = MarketViews::new();
    views.learn(&listing(1, 1));
    assert_eq!(trade(&mut views, 1, 100, 3, Flags::NONE).aggregates, [None, None]);
    assert_eq!(trade(&mut views, 2, 100, 4, Flags::NONE).aggregates, [None, None]);
    let [first, last] =
        trade(&mut views, 3, 101, 5, Flags::FINAL).aggregates.map(|found| found.expect("complete"));
    assert_eq!((first.number, first.first.0, first.last.0, first.quantity.0), (1, 1, 2, 7));
    assert_eq!((last.number, last.first.0, last.last.0, last.price.0), (2, 3, 3, 101));
    trade(&mut views, 4, 102, 1, Flags::NONE);
    let mut rests = taken(&Taken {
        sequence: 10,
        time_ns: START_NS,
        number: 0,
        price: 0,
        quantity: 0,
        flags: Flags::NONE,
    });
    let mut words = *rests.words();
    words[2] = (words[2] & !0xFF) | EventKind::Cancelled as u64;
    rests = EventRecord::from_words(words);
    assert_eq!(
        views.learn(&rests).aggregates[0].map(|found| found.number),
        Some(3),
        "the rest went elsewhere"
    );
}

#[test]
fn candles_and_ticker_add_up() {
    let mut views = MarketViews::new();
    views.learn(&listing(1, 1));
    for (number, minute, price) in [(1, 0, 100), (2, 0, 90), (3, 0, 95), (4, 7, 120)] {
        let time_ns = START_NS + minute * MINUTE_NS + number;
        views.learn(&taken(&Taken {
            sequence: 10,
            time_ns,
            number,
            price,
            quantity: 2,
            flags: Flags::FINAL,
        }));
    }
    let market = views.market(InstrumentId(1)).expect("listed");
    let minutes = market.candles.of(Interval::MINUTE);
    let shown = |at: usize| {
        let c = minutes[at];
        (c.open.0, c.high.0, c.low.0, c.close.0, c.volume, c.notional, c.count)
    };
    assert_eq!(
        (shown(0), shown(1), minutes.len()),
        ((100, 100, 90, 95, 6, 570, 3), (120, 120, 120, 120, 2, 240, 1), 2)
    );
    let gap = market.candles.at(Interval::MINUTE, (START_NS + 3 * MINUTE_NS) / 1_000_000).expect("drawn on");
    assert_eq!((gap.open.0, gap.close.0, gap.count), (95, 95, 0));
    let now_ms = (START_NS + 8 * MINUTE_NS) / 1_000_000;
    let day = Ticker::of(market, now_ms);
    assert_eq!(
        (day.open.0, day.high.0, day.low.0, day.last.0, day.volume, day.count),
        (100, 120, 90, 120, 8, 4)
    );
    let tomorrow = Ticker::of(market, now_ms + 86_400_000 - 5 * 60_000);
    assert_eq!((tomorrow.open.0, tomorrow.previous_close.0, tomorrow.count), (120, 95, 1));
    let later = Ticker::of(market, now_ms + 2 * 86_400_000);
    assert_eq!((later.open.0, later.high.0, later.count, later.volume), (120, 120, 0, 0));
}

#[test]
fn another_scale_begins_another_history() {
    let mut views = MarketViews::new();
    views.learn(&listing(1, 1));
    trade(&mut views, 1, 100, 3, Flags::FINAL);
    views.learn(&listing(20, 2));
    let market = views.market(InstrumentId(1)).expect("listed");
    assert_eq!((market.tape.trades().len(), market.candles.of(Interval::MINUTE).len()), (0, 0));
    assert_eq!(trade(&mut views, 2, 100, 3, Flags::FINAL).aggregates[1].map(|a| a.number), Some(2));
}

#[test]
fn bytes_are_the_views_and_nothing_else_is() {
    let mut views = MarketViews::new();
    views.learn(&listing(1, 1));
    for change in 1..20 {
        let side = if change % 3 == 0 { Side::Sell } else { Side::Buy };
        views.learn(&level(1 + change, side, change as i64 % 7 + 1, change % 4, change));
    }
    for number in 1..9 {
        let flags = if number % 2 == 0 { Flags::FINAL } else { Flags::NONE };
        trade(&mut views, number, 100 + number as i64 % 3, 3, flags);
    }
    trade(&mut views, 9, 100, 3, Flags::NONE);
    let mut bytes = Vec::new();
    views.encode(&mut bytes);
    assert_eq!(MarketViews::decode(&bytes).as_ref(), Ok(&views));
    for length in 0..bytes.len() {
        assert!(MarketViews::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xFF;
        // Most bytes are plain numbers; none may do harm.
        let _ = MarketViews::decode(&damaged);
    }
    bytes.push(0);
    assert_eq!(MarketViews::decode(&bytes), Err(ViewsError::Length));
    bytes[7] ^= 1;
    assert_eq!(MarketViews::decode(&bytes), Err(ViewsError::Version));
}
