//! The state as bytes: what is decoded goes on exactly as the original, and damage is refused.

mod venue;

use engine::command::{CommandKind, CommandSlot, OrderCommand, SessionCommand};
use engine::event::EventRecord;
use engine::matcher::Engine;
use engine::number::{AccountId, InstrumentId, Price, Quantity, Sequence, SessionId, Timestamp, UserRef};
use engine::terms::{Conditions, OrderType, SelfTrade, Side, TimeInForce};
use venue::{LIMITS, Venue, text};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

const MODES: [SelfTrade; 6] = [
    SelfTrade::SessionDefault,
    SelfTrade::None,
    SelfTrade::CancelNewest,
    SelfTrade::CancelOldest,
    SelfTrade::CancelBoth,
    SelfTrade::Decrement,
];
const TIMES: [TimeInForce; 6] = [
    TimeInForce::Day,
    TimeInForce::Day,
    TimeInForce::GoodTillCancelled,
    TimeInForce::GoodTillDate,
    TimeInForce::ImmediateOrCancel,
    TimeInForce::FillOrKill,
];
const KINDS: [CommandKind; 8] = [
    CommandKind::Enter,
    CommandKind::Enter,
    CommandKind::Enter,
    CommandKind::Enter,
    CommandKind::Replace,
    CommandKind::Cancel,
    CommandKind::Reduce,
    CommandKind::Query,
];

/// A random command of a session, mostly sound.
fn random(random: &mut Random, last: &mut [u32; 5], now: u64) -> CommandSlot {
    if random.below(400) == 0 {
        let kind =
            [CommandKind::Tick, CommandKind::LogIn, CommandKind::SessionLost][random.below(3) as usize];
        let mut session = SessionCommand::blank(kind, Timestamp(now));
        session.session = SessionId(random.below(5) as u32);
        session.connection = random.below(2) + 1;
        return CommandSlot::new(&session);
    }
    let kind = KINDS[random.below(8) as usize];
    let mut order = OrderCommand::blank(kind, Timestamp(now));
    let session = random.below(4) as u32 + 1;
    order.session = SessionId(session);
    order.instrument = InstrumentId(random.below(2) as u32 + 1);
    order.side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    order.quantity = Quantity(random.below(50));
    order.price = Price(1_000 + random.below(60) as i64 - 30);
    order.time_in_force = TIMES[random.below(6) as usize];
    order.self_trade = MODES[random.below(6) as usize];
    if order.time_in_force == TimeInForce::GoodTillDate {
        order.expires = Timestamp(now + random.below(30_000));
    }
    if random.below(8) == 0 {
        order.conditions = Conditions(random.below(0x40) as u16);
    }
    if random.below(20) == 0 {
        order.order_type = OrderType::Market;
        order.price = Price(0);
    }
    if random.below(10) == 0 {
        order.client_id = text("ABC");
    }
    if order.time_in_force == TimeInForce::ImmediateOrCancel {
        order.floor = Quantity(random.below(10));
    }
    let newest = &mut last[session as usize];
    if matches!(kind, CommandKind::Enter | CommandKind::Replace) {
        *newest += 1;
        order.user_ref = UserRef(*newest);
        order.account = AccountId(if random.below(30) == 0 { 1 } else { 0 });
    }
    order.target = UserRef(newest.saturating_sub(random.below(40) as u32));
    CommandSlot::new(&order)
}

fn run(engine: &mut Engine, sequence: u64, slot: &CommandSlot) -> Vec<EventRecord> {
    let mut events = Vec::new();
    engine.apply(Sequence(sequence), slot, &mut events);
    events
}

fn bytes(engine: &Engine) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.encode_state(&mut bytes);
    bytes
}

/// A venue after some thousand commands, with the source of the next ones.
fn busy(seed: u64, commands: u32) -> (Venue, Random, [u32; 5]) {
    let mut venue = Venue::new();
    let mut source = Random(seed);
    let mut last = [0; 5];
    let sums = venue.sums();
    for step in 0..commands {
        venue.now += source.below(200);
        let slot = random(&mut source, &mut last, venue.now);
        venue.apply(&slot);
        assert_eq!(venue.sums(), sums, "money was made at step {step}");
    }
    (venue, source, last)
}

#[test]
fn a_decoded_engine_goes_on_as_the_original() {
    for seed in 0..8 {
        let (mut venue, mut source, mut last) = busy(seed, 3_000);
        let mut twin = Engine::decode_state(&bytes(&venue.engine), &LIMITS).expect("its own bytes");
        assert_eq!(bytes(&twin), bytes(&venue.engine));
        assert_eq!(twin.state_hash(), venue.engine.state_hash());
        for step in 0..3_000u32 {
            venue.now += source.below(200);
            let mut slot = random(&mut source, &mut last, venue.now);
            if step == 1_500 {
                let mut day = SessionCommand::blank(CommandKind::NewDay, Timestamp(venue.now));
                day.date = 20_261_125;
                slot = CommandSlot::new(&day);
                last = [0; 5];
            }
            venue.apply(&slot);
            assert_eq!(run(&mut twin, venue.sequence, &slot), venue.events, "seed {seed}, step {step}");
        }
        let traded = venue.engine.instruments().all(|instrument| instrument.last_trade.is_some());
        assert!(traded && venue.book().len() > 100, "the flow trades and rests");
        assert_eq!(twin.event_hash(), venue.engine.event_hash());
        assert_eq!(bytes(&twin), bytes(&venue.engine));
    }
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    let (venue, mut source, _) = busy(99, 600);
    let whole = bytes(&venue.engine);
    for length in 0..whole.len() {
        if length % 7 == 0 || length < 200 {
            assert!(Engine::decode_state(&whole[..length], &LIMITS).is_err(), "cut at {length}");
        }
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(Engine::decode_state(&longer, &LIMITS).is_err());
    for _ in 0..2_000 {
        let mut damaged = whole.clone();
        let at = source.below(damaged.len() as u64) as usize;
        damaged[at] ^= 1 << source.below(8);
        let Ok(mut engine) = Engine::decode_state(&damaged, &LIMITS) else { continue };
        let mut order = OrderCommand::blank(CommandKind::Enter, engine.clock());
        order.session = SessionId(3);
        order.user_ref = UserRef(u32::MAX);
        order.instrument = InstrumentId(1);
        order.price = Price(2_000);
        order.quantity = Quantity(5_000);
        let sequence = engine.last_sequence().0;
        run(&mut engine, sequence + 1, &CommandSlot::new(&order));
    }
}
