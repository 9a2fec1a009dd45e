//! Sessions resume by number: nothing is missed, nothing comes twice.

use crate::client::{Client, enter, frame, login};
use crate::venue::Venue;
use engine::command::CommandKind;
use net::doors::DoorLimits;

const BTC: &[u8; 8] = b"BTCUSD  ";

fn numbers(messages: &[Vec<u8>]) -> Vec<u32> {
    let user_ref = |message: &Vec<u8>| u32::from_be_bytes(message[9..13].try_into().expect("four bytes"));
    messages.iter().filter(|message| message[0] == b'A').map(user_ref).collect()
}

fn resume(venue: &mut Venue, sequence: u64) -> Client {
    let mut client = Client::connect(venue.doors.addresses().ouch);
    client.send(&login("demo01", "demo01", "26112401", sequence));
    let expected = format!("  26112401{sequence:>20}").into_bytes();
    assert_eq!(client.packet(venue), (b'A', expected));
    client
}

#[test]
fn the_whole_stream_comes_again_after_a_restart() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 1);
    for number in 1..=300 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    let first = client.messages(&mut venue, 301);
    assert_eq!((first[0][0], first[0][9]), (b'S', b'S'), "the day begins with report 1");
    venue.restart(DoorLimits::default());
    assert_eq!(resume(&mut venue, 1).messages(&mut venue, 301), first);
    assert_eq!(resume(&mut venue, 250).messages(&mut venue, 52), first[249..]);
    resume(&mut venue, 302).nothing(&mut venue);
}

#[test]
fn what_is_released_meanwhile_follows_without_gap_or_double() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    for number in 1..=2000 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    client.messages(&mut venue, 2000);
    let mut client = resume(&mut venue, 2);
    let mut got = Vec::new();
    for number in 2001..=2200 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
        venue.pump();
        if number == 2100 {
            got = client.messages(&mut venue, 1000);
        }
    }
    got.extend(client.messages(&mut venue, 1200));
    assert_eq!(numbers(&got), (1..=2200).collect::<Vec<_>>());
    client.nothing(&mut venue);
}

#[test]
fn a_log_that_lags_is_waited_for() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    venue.log_lags = true;
    for number in 1..=50 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    client.messages(&mut venue, 50);
    let mut client = resume(&mut venue, 2);
    client.nothing(&mut venue);
    // Released while it waits: comes after what the log still owes, not before.
    for number in 51..=60 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    client.nothing(&mut venue);
    venue.log_lags = false;
    assert_eq!(numbers(&client.messages(&mut venue, 60)), (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_day_that_ends_closes_the_session_and_the_next_one_begins_with_1() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(&enter(1, b'B', 1, BTC, 1_0000));
    client.messages(&mut venue, 1);
    venue.new_day(20_261_125);
    let last = client.until_closed(&mut venue);
    assert_eq!((last[0].0, last[0].1[9], last[1].0, last.len()), (b'S', b'E', b'Z', 2));
    assert_eq!(venue.session_commands(CommandKind::LogOut).len(), 1);
    let mut stale = Client::connect(venue.doors.addresses().ouch);
    stale.send(&login("demo01", "demo01", "26112401", 1));
    assert_eq!(stale.packet(&mut venue), (b'J', b"S".to_vec()));
    let mut client = Client::connect(venue.doors.addresses().ouch);
    client.send(&login("demo01", "demo01", "", 1));
    assert_eq!(client.packet(&mut venue).1, format!("  26112501{:>20}", 1).into_bytes());
    assert_eq!(client.messages(&mut venue, 1)[0][9], b'S');
    client.nothing(&mut venue);
}

#[test]
fn a_day_that_ends_during_a_resend_ends_it_too() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    for number in 1..=50 {
        client.message(&enter(number, b'B', 1, BTC, 1_0000));
    }
    client.messages(&mut venue, 50);
    venue.log_lags = true;
    let mut client = resume(&mut venue, 2);
    venue.new_day(20_261_125);
    for _ in 0..20 {
        venue.pump();
    }
    venue.log_lags = false;
    let rest = client.until_closed(&mut venue);
    assert_eq!(rest.len(), 52, "fifty orders, S and Z");
    assert_eq!(rest.last().map(|packet| packet.0), Some(b'Z'));
}

#[test]
fn messages_behind_a_login_wait_for_its_answer() {
    let mut venue = Venue::new();
    let mut client = Client::connect(venue.doors.addresses().ouch);
    let order = frame(b'U', &enter(1, b'B', 1, BTC, 1_0000));
    client.send(&[login("demo01", "demo01", "", 0), order].concat());
    assert_eq!(client.packet(&mut venue).0, b'A');
    assert_eq!(client.messages(&mut venue, 1)[0][0], b'A');
}
