//! Many who mean harm: they get what they are allowed, and those who trade do not wait for them.

use crate::client::{Client, enter, frame, login};
use crate::venue::{SECOND_NS, Venue};
use engine::command::CommandKind;
use engine::reason::Reject;
use net::doors::DoorLimits;

const BTC: &[u8; 8] = b"BTCUSD  ";

fn order(number: u32) -> Vec<u8> {
    frame(b'U', &enter(number, b'B', 1, BTC, 1_0000))
}

/// The last word to a client, once it is closed.
fn last_word(client: &mut Client, venue: &mut Venue) -> String {
    let packets = client.until_closed(venue);
    let (kind, text) = packets.last().expect("a word why");
    assert_eq!(*kind, b'+');
    String::from_utf8_lossy(text).into_owned()
}

#[test]
fn who_never_logs_in_makes_room_for_who_does() {
    let mut venue = Venue::with(DoorLimits { connections_max: 4, ..DoorLimits::default() });
    let mut inside = Client::trader(&mut venue, "demo02", 0);
    let ouch = venue.doors.addresses().ouch;
    let mut strangers: Vec<_> = (0..3).map(|_| Client::connect(ouch)).collect();
    venue.pump_until(|venue| venue.doors.connections() == 4);
    let _trader = Client::trader(&mut venue, "demo01", 0);
    assert!(last_word(&mut strangers[0], &mut venue).contains("no login yet"), "the oldest goes");
    // A flood turns over the places that nobody uses, again and again.
    for _ in 0..20 {
        strangers.push(Client::connect(ouch));
        venue.pump();
    }
    inside.message(b"Q");
    assert_eq!(inside.messages(&mut venue, 1)[0][0], b'Q', "who is logged in stays");
    assert_eq!(venue.doors.connections(), 4);
    let mut reader = Client::reader(&mut venue, 0);
    reader.nothing(&mut venue);
}

#[test]
fn one_address_has_only_so_many_connections() {
    let mut venue = Venue::with(DoorLimits { connections_per_address_max: 2, ..DoorLimits::default() });
    let first = Client::trader(&mut venue, "demo01", 0);
    let _second = Client::trader(&mut venue, "demo02", 0);
    let mut third = Client::connect(venue.doors.addresses().itch);
    assert!(last_word(&mut third, &mut venue).contains("this address"));
    drop(first);
    venue.pump_until(|venue| venue.doors.connections() == 1);
    Client::reader(&mut venue, 0).nothing(&mut venue);
}

#[test]
fn a_flood_of_log_ins_waits_for_those_who_trade() {
    let mut venue = Venue::new();
    let mut trader = Client::trader(&mut venue, "demo01", 0);
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(Client::connect(venue.doors.addresses().ouch));
        venue.pump();
    }
    venue.pump_until(|venue| venue.doors.connections() == 201);
    for stranger in &mut flood {
        stranger.send(&login("demo02", "wrong", "", 0));
    }
    trader.send(&order(1));
    let mut rounds = 0;
    venue.pump_until(|venue| {
        rounds += 1;
        venue.orders_taken() == 1
    });
    // The socket may need a moment; a turn behind two hundred log-ins would take a hundred rounds.
    assert!(rounds < 50, "the order waited {rounds} rounds");
    for stranger in &mut flood {
        assert_eq!(stranger.packet(&mut venue).0, b'J');
    }
    assert_eq!(trader.messages(&mut venue, 1)[0][0], b'A');
}

#[test]
fn orders_above_the_pace_are_rejected_in_order_and_far_above_it_the_connection_ends() {
    let limits =
        DoorLimits { packets_s_max: 10, packets_s_log_out: 20, breaches_max: 100, ..DoorLimits::default() };
    let mut venue = Venue::with(limits);
    let mut honest = Client::trader(&mut venue, "demo02", 0);
    let mut client = Client::trader(&mut venue, "demo01", 0);
    venue.now_ns += SECOND_NS;
    client.send(&(1..=15).flat_map(order).collect::<Vec<_>>());
    client.messages(&mut venue, 15);
    let reasons: Vec<_> = venue.orders().iter().map(|order| order.door_reject).collect();
    assert_eq!(reasons, [[Reject::None; 10].as_slice(), &[Reject::Rate; 5]].concat());

    venue.now_ns += SECOND_NS;
    client.send(&order(16));
    client.messages(&mut venue, 1);
    assert_eq!(venue.orders()[15].door_reject, Reject::None, "another second");
    client.send(&(17..=60).flat_map(order).collect::<Vec<_>>());
    let packets = client.until_closed(&mut venue);
    assert_eq!(packets.last().expect("a word why").0, b'+');
    assert_eq!(venue.orders().len(), 35, "nothing of what came after is taken");
    venue.pump_until(|venue| venue.session_commands(CommandKind::SessionLost).len() == 1);

    honest.send(&order(1));
    assert_eq!(honest.messages(&mut venue, 1)[0][0], b'A');
}

#[test]
fn bytes_are_counted_too() {
    let mut venue = Venue::with(DoorLimits { bytes_s_log_out: 10_000, ..DoorLimits::default() });
    let mut client = Client::trader(&mut venue, "demo01", 0);
    for _ in 0..10 {
        client.send(&frame(b'+', &[b'x'; 2000]));
    }
    assert!(last_word(&mut client, &mut venue).contains("bytes in a second"));
}

#[test]
fn queries_are_bounded() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    for _ in 0..11 {
        client.send(&frame(b'U', b"Q").repeat(1000));
        venue.pump();
        client.fill();
    }
    let packets = client.until_closed(&mut venue);
    assert_eq!(packets.last().expect("a word why").0, b'+');
    assert_eq!(venue.orders().len(), 10_000);
}

#[test]
fn who_does_not_heed_rate_rejects_is_logged_out() {
    let mut venue = Venue::with(DoorLimits { breaches_max: 5, ..DoorLimits::default() });
    let mut client = Client::trader(&mut venue, "demo01", 0);
    for breach in 1..=5 {
        venue.reject_for_rate(crate::venue::DEMO01, breach);
    }
    assert_eq!(client.messages(&mut venue, 5).len(), 5);
    venue.now_ns += 61 * SECOND_NS;
    client.send(&frame(b'R', b""));
    client.nothing(&mut venue);
    for breach in 6..=11 {
        venue.reject_for_rate(crate::venue::DEMO01, breach);
    }
    let packets = client.until_closed(&mut venue);
    assert_eq!(packets.len(), 7, "six rejects, each in its turn, and a word why");
    assert_eq!(packets[6].0, b'+');
    // Nothing is lost: the session goes on where it was.
    let mut again = Client::trader(&mut venue, "demo01", 13);
    again.nothing(&mut venue);
}

#[test]
fn heartbeats_of_many_are_spread() {
    const READERS: usize = 120;
    let mut venue = Venue::new();
    let mut readers: Vec<_> = (0..READERS).map(|_| Client::reader(&mut venue, 0)).collect();
    venue.now_ns += SECOND_NS;
    let before = heartbeats(&mut readers);
    venue.pump();
    let in_one_round = heartbeats(&mut readers) - before;
    assert!(in_one_round <= 5, "{in_one_round} heartbeats in one round");
    // Two seconds in steps of a millisecond: each reader has had one by then.
    for _ in 0..2000 {
        venue.now_ns += SECOND_NS / 1000;
        venue.pump();
    }
    venue.pump_until(|_| {
        heartbeats(&mut readers);
        readers.iter().all(|reader| reader.heartbeats > 0)
    });
}

fn heartbeats(readers: &mut [Client]) -> usize {
    readers.iter_mut().map(Client::take_heartbeats).sum()
}
