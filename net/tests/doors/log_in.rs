use crate::client::{Client, frame, login};
use crate::venue::{DEMO01, SECOND_NS, Venue};
use engine::command::CommandKind;
use net::doors::DoorLimits;
use std::time::Duration;

/// The answer to a login at a door.
fn answer(door: &str, fields: (&str, &str, &str, u64)) -> Vec<(u8, Vec<u8>)> {
    let mut venue = Venue::new();
    let addresses = venue.doors.addresses();
    let mut client = Client::connect(if door == "ouch" { addresses.ouch } else { addresses.itch });
    let (name, password, session, sequence) = fields;
    client.send(&login(name, password, session, sequence));
    if door == "closed" {
        return client.until_closed(&mut venue);
    }
    let first = client.packet(&mut venue);
    if first.0 == b'J' {
        assert_eq!(client.until_closed(&mut venue), [], "nothing follows a reject");
        assert!(venue.taken.is_empty(), "what is rejected here is no command");
    }
    vec![first]
}

#[test]
fn wrong_names_passwords_and_roles_are_rejected() {
    let rejected = [(b'J', b"A".to_vec())];
    assert_eq!(answer("ouch", ("demo01", "demo02", "", 1)), rejected);
    assert_eq!(answer("ouch", ("demo01", "", "", 1)), rejected);
    assert_eq!(answer("ouch", ("nobody", "demo01", "", 1)), rejected);
    assert_eq!(answer("ouch", ("", "", "", 1)), rejected);
    assert_eq!(answer("ouch", ("itch01", "itch01", "", 1)), rejected, "market data only");
    assert_eq!(answer("itch", ("itch01", "wrong", "", 1)), rejected);
}

#[test]
fn other_sessions_and_numbers_to_come_are_rejected() {
    let rejected = [(b'J', b"S".to_vec())];
    assert_eq!(answer("ouch", ("demo01", "demo01", "99010101", 1)), rejected);
    assert_eq!(answer("ouch", ("demo01", "demo01", "", 3)), rejected);
    assert_eq!(answer("ouch", ("demo01", "demo01", "", u64::MAX)), rejected);
    assert_eq!(answer("itch", ("itch01", "itch01", "99010101", 1)), rejected);
    assert_eq!(answer("itch", ("itch01", "itch01", "", 7)), rejected);
}

#[test]
fn the_answer_names_session_and_next_number() {
    let accepted = |sequence: u64| [(b'A', format!("  26112401{sequence:>20}").into_bytes())];
    assert_eq!(answer("ouch", ("DEMO01", "Demo01", "26112401", 2)), accepted(2), "the day began with 1");
    assert_eq!(answer("ouch", ("demo01", "demo01", "", 1)), accepted(1));
    assert_eq!(answer("ouch", ("demo01", "demo01", "", 0)), accepted(2), "only what comes next");
    assert_eq!(answer("itch", ("itch01", "itch01", "", 0)), accepted(6), "S and two of R, H");
    assert_eq!(answer("itch", ("demo01", "demo01", "26112401", 1)), accepted(1), "traders may read");
}

#[test]
fn a_newer_login_closes_the_older_connection() {
    let mut venue = Venue::new();
    let mut older = Client::trader(&mut venue, "demo01", 0);
    let mut newer = Client::trader(&mut venue, "demo01", 0);
    let last = older.until_closed(&mut venue);
    assert_eq!(last.iter().map(|packet| packet.0).collect::<Vec<_>>(), [b'+']);
    newer.message(b"Q");
    assert_eq!(newer.messages(&mut venue, 1)[0][0], b'Q');
    assert!(venue.session_commands(CommandKind::SessionLost).is_empty(), "the engine knows");
}

#[test]
fn leaving_and_vanishing_are_told_to_the_engine() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.send(&frame(b'O', b""));
    client.until_closed(&mut venue);
    venue.pump_until(|venue| !venue.session_commands(CommandKind::LogOut).is_empty());
    let left = venue.session_commands(CommandKind::LogOut);
    assert_eq!((left.len(), left[0].session), (1, DEMO01));
    assert_eq!(left[0].connection, venue.session_commands(CommandKind::LogIn)[0].connection);

    drop(Client::trader(&mut venue, "demo01", 0));
    venue.pump_until(|venue| !venue.session_commands(CommandKind::SessionLost).is_empty());
    let logins = venue.session_commands(CommandKind::LogIn);
    assert_ne!(logins[0].connection, logins[1].connection, "no number is used twice");
}

#[test]
fn connections_go_on_counting_after_a_restart() {
    let mut venue = Venue::new();
    let _client = Client::trader(&mut venue, "demo01", 0);
    venue.restart(DoorLimits::default());
    let _client = Client::trader(&mut venue, "demo01", 0);
    let logins = venue.session_commands(CommandKind::LogIn);
    assert!(logins[1].connection > logins[0].connection);
}

#[test]
fn who_does_not_log_in_or_falls_silent_is_closed() {
    let mut venue = Venue::new();
    let mut mute = Client::connect(venue.doors.addresses().ouch);
    let mut silent = Client::trader(&mut venue, "demo01", 0);
    let mut alive = Client::trader(&mut venue, "demo02", 0);
    venue.now_ns += 20 * SECOND_NS;
    alive.send(&frame(b'R', b""));
    for _ in 0..20 {
        venue.pump();
    }
    venue.now_ns += 11 * SECOND_NS;
    assert_eq!(mute.until_closed(&mut venue)[0].0, b'+');
    assert_eq!(silent.until_closed(&mut venue)[0].0, b'+');
    alive.nothing(&mut venue);
    assert_eq!(venue.session_commands(CommandKind::SessionLost).len(), 1);
}

#[test]
fn an_idle_session_gets_a_heartbeat_a_second() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    let mut bytes = Vec::new();
    for _ in 0..3 {
        venue.now_ns += SECOND_NS;
        venue.pump();
    }
    venue.pump_until(|_| {
        let mut chunk = [0; 64];
        if let Ok(count) = std::io::Read::read(&mut client.stream, &mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
        }
        bytes.len() >= 9
    });
    assert_eq!(bytes, b"\0\x01H\0\x01H\0\x01H");
}

#[test]
fn an_address_that_fails_too_often_is_turned_away_for_a_minute() {
    let mut venue = Venue::with(DoorLimits { failed_log_ins_max: 2, ..DoorLimits::default() });
    let try_one = |venue: &mut Venue, password: &str| {
        let mut client = Client::connect(venue.doors.addresses().ouch);
        client.send(&login("demo01", password, "", 0));
        client.packet(venue).0
    };
    assert_eq!(try_one(&mut venue, "wrong"), b'J');
    assert_eq!(try_one(&mut venue, "demo01"), b'A');
    assert_eq!(try_one(&mut venue, "wrong"), b'J');
    assert_eq!(try_one(&mut venue, "demo01"), b'J');
    venue.now_ns += 61 * SECOND_NS;
    venue.pump();
    assert_eq!(try_one(&mut venue, "demo01"), b'A');
}

#[test]
fn a_sleep_ends_at_its_timeout_or_at_the_waker() {
    let mut venue = Venue::new();
    let waker = venue.doors.waker();
    waker.wake().expect("can be woken");
    let now = engine::number::Timestamp(venue.now_ns);
    let before = std::time::Instant::now();
    for _ in 0..2 {
        venue.doors.poll(&mut venue.ring, now, Some(Duration::from_millis(20))).expect("polls");
    }
    let slept = before.elapsed();
    assert!(slept >= Duration::from_millis(10) && slept < Duration::from_secs(5), "{slept:?}");
}
