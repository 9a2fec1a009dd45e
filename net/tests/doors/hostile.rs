//! Bytes that are wrong close their own connection with a word why, and nobody else notices.

use crate::client::{Client, enter, frame, login};
use crate::venue::Venue;
use engine::command::CommandKind;
use proptest::prelude::*;

fn texts(packets: &[(u8, Vec<u8>)]) -> usize {
    assert!(packets.iter().all(|packet| packet.0 == b'+'), "nothing but a word why: {packets:?}");
    packets.len()
}

#[test]
fn what_is_no_login_closes_the_connection() {
    let mut venue = Venue::new();
    let addresses = venue.doors.addresses();
    let cases: Vec<Vec<u8>> = vec![
        vec![0; 64],
        [&[0xFF, 0xFF, b'L'][..], &[b' '; 200]].concat(),
        frame(b'L', b"demo01demo01"),
        frame(b'L', &[b' '; 100]),
        frame(b'U', b"Q"),
        frame(b'?', b""),
        frame(b'A', &[b' '; 30]),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        login("demo01", "demo01", "", 1)
            .iter()
            .map(|byte| if *byte == b'1' { b'x' } else { *byte })
            .collect(),
    ];
    for door in [addresses.ouch, addresses.itch] {
        for case in &cases {
            let mut client = Client::connect(door);
            client.send(case);
            assert_eq!(texts(&client.until_closed(&mut venue)), 1, "{case:?}");
        }
    }
    assert!(venue.taken.is_empty());
    venue.pump_until(|venue| venue.doors.connections() == 0);
}

#[test]
fn what_is_no_message_closes_the_connection_and_the_session_is_lost() {
    let mut venue = Venue::new();
    let mut bystander = Client::trader(&mut venue, "demo02", 0);
    let order = enter(1, b'B', 1, b"BTCUSD  ", 1_0000);
    let cases: Vec<Vec<u8>> = vec![
        frame(b'U', b""),
        frame(b'U', b"?"),
        frame(b'U', &order[..46]),
        frame(b'U', &[&order[..], b"x"].concat()),
        frame(b'U', &[&order[..45], &[0, 4]].concat()),
        frame(b'U', b"X\0\0\0\x01\0\0\0"),
        frame(b'U', &[b'A'; 64]),
        frame(b'U', &[0; 5000]),
        frame(b'S', b""),
        frame(b'Z', b""),
        login("demo01", "demo01", "", 1),
        vec![0, 0],
    ];
    let count = cases.len();
    for case in cases {
        let mut client = Client::trader(&mut venue, "demo01", 0);
        client.send(&case);
        assert_eq!(texts(&client.until_closed(&mut venue)), 1, "{case:?}");
        bystander.message(b"Q");
        assert_eq!(bystander.messages(&mut venue, 1)[0][0], b'Q');
    }
    assert_eq!(venue.session_commands(CommandKind::SessionLost).len(), count);
    let bystanders = |order: &engine::command::OrderCommand| order.session == crate::venue::DEMO02;
    assert!(venue.orders().iter().all(bystanders), "what cannot be decoded is no command");
}

#[test]
fn what_was_sent_before_the_fault_counts() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    let order = frame(b'U', &enter(1, b'B', 1, b"BTCUSD  ", 1_0000));
    client.send(&[&order[..], &[0, 1, b'?'], &order].concat());
    client.until_closed(&mut venue);
    assert_eq!(venue.orders().len(), 1);
}

#[test]
fn debug_packets_and_heartbeats_are_welcome_and_bytes_may_come_one_by_one() {
    let mut venue = Venue::new();
    let mut client = Client::connect(venue.doors.addresses().ouch);
    let order = frame(b'U', &enter(1, b'B', 1, b"BTCUSD  ", 1_0000));
    let bytes =
        [frame(b'+', b"hello"), login("demo01", "demo01", "", 0), frame(b'R', b""), order, frame(b'+', b"")]
            .concat();
    for byte in bytes {
        client.send(&[byte]);
        venue.pump();
    }
    assert_eq!(client.packet(&mut venue).0, b'A');
    assert_eq!(client.messages(&mut venue, 1)[0][0], b'A');
}

#[test]
fn the_feed_takes_no_messages() {
    let mut venue = Venue::new();
    let mut reader = Client::reader(&mut venue, 0);
    reader.message(b"Q");
    assert_eq!(texts(&reader.until_closed(&mut venue)), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn noise_behind_a_login_harms_nobody(noise in proptest::collection::vec(any::<u8>(), 1..600)) {
        let mut venue = Venue::new();
        let mut bystander = Client::trader(&mut venue, "demo02", 0);
        let mut client = Client::connect(venue.doors.addresses().ouch);
        client.send(&[login("demo01", "demo01", "", 1), noise].concat());
        bystander.message(b"Q");
        prop_assert_eq!(bystander.messages(&mut venue, 1)[0][0], b'Q');
        drop(client);
        venue.pump_until(|venue| venue.doors.connections() == 1);
    }
}
