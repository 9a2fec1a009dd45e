//! What happens at each bound.

use crate::client::{Client, enter, frame};
use crate::venue::{SECOND_NS, Venue};
use engine::command::CommandKind;
use net::doors::{DoorError, DoorLimits, DoorOptions, Doors};

const BTC: &[u8; 8] = b"BTCUSD  ";

#[test]
fn a_full_ring_keeps_the_bytes_and_loses_nothing() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    let mut other = Client::trader(&mut venue, "demo02", 0);
    venue.ring.room = 10;
    for number in 1..=3000 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    other.message(b"Q");
    for _ in 0..20 {
        venue.pump();
    }
    assert_eq!(venue.orders().len(), 10, "the ring took what it had room for");
    // A socket that is not read because the ring is full is not silent.
    venue.now_ns += 31 * SECOND_NS;
    client.send(&frame(b'R', b""));
    other.send(&frame(b'R', b""));
    for _ in 0..20 {
        venue.pump();
    }
    assert!(venue.session_commands(CommandKind::SessionLost).is_empty());
    for _ in 0..400 {
        venue.ring.room = 11;
        venue.pump();
    }
    let numbers: Vec<_> =
        venue.orders().iter().map(|order| order.user_ref.0).filter(|number| *number != 0).collect();
    assert_eq!(numbers, (1..=3000).collect::<Vec<_>>());
    assert_eq!(other.messages(&mut venue, 1)[0][0], b'Q');
    assert_eq!(client.messages(&mut venue, 3000).len(), 3000);
}

#[test]
fn logins_and_losses_wait_for_the_ring_too() {
    let mut venue = Venue::new();
    let client = Client::trader(&mut venue, "demo01", 0);
    venue.ring.room = 0;
    drop(client);
    let mut second = Client::connect(venue.doors.addresses().ouch);
    second.send(&crate::client::login("demo02", "demo02", "", 0));
    for _ in 0..20 {
        venue.pump();
    }
    assert_eq!(venue.taken.len(), 1);
    venue.ring.room = usize::MAX;
    assert_eq!(second.packet(&mut venue).0, b'A');
    assert_eq!(venue.session_commands(CommandKind::SessionLost).len(), 1);
}

#[test]
fn a_slow_trader_is_served_from_the_log_and_misses_nothing() {
    let mut venue = Venue::with(DoorLimits { output_bytes_max: 64 << 10, ..DoorLimits::default() });
    let mut slow = Client::trader(&mut venue, "demo01", 0);
    let mut rounds = 0;
    // About 7 MB of reports: more than the buffers of both sockets and ours hold.
    for number in 1..=100_000u32 {
        slow.message(&enter(number, b'B', 1, BTC, 1_0000));
        if number % 100 == 0 {
            venue.pump();
            rounds += 1;
        }
    }
    assert_eq!(rounds, 1000);
    venue.pump_until(|venue| venue.orders_taken() == 100_000);
    let messages = slow.messages(&mut venue, 100_000);
    for (index, message) in messages.iter().enumerate() {
        assert_eq!(message[9..13], (index as u32 + 1).to_be_bytes());
    }
    slow.message(b"Q");
    assert_eq!(slow.messages(&mut venue, 1)[0][0], b'Q');
}

#[test]
fn a_slow_reader_is_served_from_the_log_and_misses_nothing() {
    let mut venue = Venue::with(DoorLimits { output_bytes_max: 64 << 10, ..DoorLimits::default() });
    let mut slow = Client::reader(&mut venue, 0);
    let mut trader = Client::trader(&mut venue, "demo01", 0);
    for number in 1..=200_000u32 {
        trader.message(&enter(number, b'B', number, BTC, 1_0000));
        if number % 100 == 0 {
            venue.pump();
            trader.fill();
        }
    }
    let messages = slow.messages(&mut venue, 200_000);
    for (index, message) in messages.iter().enumerate() {
        assert_eq!(message[20..24], (index as u32 + 1).to_be_bytes());
    }
    slow.nothing(&mut venue);
}

#[test]
fn who_takes_nothing_for_too_long_is_cut() {
    let mut venue = Venue::new();
    let mut stuck = Client::trader(&mut venue, "demo01", 0);
    for number in 1..=100_000u32 {
        stuck.message(&enter(number, b'B', 1, BTC, 1_0000));
        if number % 100 == 0 {
            venue.pump();
        }
    }
    for _ in 0..31 {
        venue.now_ns += SECOND_NS;
        stuck.send(&frame(b'R', b""));
        venue.pump();
    }
    venue.pump_until(|venue| venue.doors.connections() == 0);
}

#[test]
fn one_connection_too_many_is_told_so() {
    let mut venue = Venue::with(DoorLimits { connections_max: 1, ..DoorLimits::default() });
    let first = Client::trader(&mut venue, "demo01", 0);
    let mut second = Client::connect(venue.doors.addresses().itch);
    assert_eq!(second.until_closed(&mut venue)[0].0, b'+');
    drop(first);
    venue.pump_until(|venue| venue.doors.connections() == 0);
    Client::trader(&mut venue, "demo02", 0);
}

#[test]
fn after_stop_reading_only_answers_go_out() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    venue.doors.stop_reading();
    client.message(b"Q");
    venue.trade(1, 5);
    assert_eq!(client.messages(&mut venue, 1)[0][0], b'E');
    client.nothing(&mut venue);
}

#[test]
fn an_address_in_use_is_named() {
    let venue = Venue::new();
    let taken = venue.doors.addresses().ouch;
    let any = "127.0.0.1:0".parse().expect("an address");
    let options =
        DoorOptions { ouch: any, itch: taken, event_log: "nowhere".into(), limits: DoorLimits::default() };
    let error = Doors::bind(options).expect_err("in use");
    assert!(matches!(error, DoorError::Bind { door: "ITCH", .. }));
    let text = error.to_string();
    assert!(text.contains(&taken.to_string()) && text.contains("choose another port"), "{text}");
}
