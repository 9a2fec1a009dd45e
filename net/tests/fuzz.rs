//! SoupBinTCP, OUCH and ITCH from any bytes at all: both directions, since clients decode with this crate too.

#[path = "../../tests/fuzz/harness.rs"]
mod harness;

use harness::fuzz;
use net::itch;
use net::ouch::appendage::{Appendage, Element};
use net::ouch::inbound::{self, CancelOrder, EnterOrder, Inbound, ModifyOrder, ReplaceOrder};
use net::ouch::outbound::{self, Outbound};
use net::soup::{self, Login, LoginAccepted, LoginReject, PACKET_SIZE_MAX, Packet};

fn encoded(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes);
    bytes
}

#[test]
fn fuzz_soup() {
    let login = Login { username: b"demo01", password: b"secret", session: b"", sequence: 7 };
    let accepted = LoginAccepted { session: b"26112401", sequence: u64::MAX };
    let packets = [
        Packet::Debug(b"text for people"),
        Packet::LoginAccepted(accepted),
        Packet::LoginRejected(LoginReject::NotAuthorized),
        Packet::LoginRejected(LoginReject::SessionNotAvailable),
        Packet::Sequenced(b"message"),
        Packet::Unsequenced(b"message"),
        Packet::ServerHeartbeat,
        Packet::EndOfSession,
        Packet::Login(login),
        Packet::ClientHeartbeat,
        Packet::Logout,
    ];
    let mut examples: Vec<_> = packets.iter().map(|packet| encoded(|out| packet.encode(out))).collect();
    examples.push(examples.concat());
    fuzz("soup", examples, |bytes| {
        let (mut rest, mut taken) = (bytes, 0);
        while let Ok(Some((packet, size))) = soup::decode(rest) {
            assert!((3..=PACKET_SIZE_MAX).contains(&size) && size <= rest.len());
            let again = encoded(|out| packet.encode(out));
            assert_eq!(soup::decode(&again), Ok(Some((packet, again.len()))));
            let is_padded = matches!(packet, Packet::Login(_) | Packet::LoginAccepted(_));
            assert!(is_padded || again == rest[..size], "only padding may stand on either side");
            assert_eq!(again.len(), size);
            assert!(
                !matches!(soup::decode(&rest[..size - 1]), Ok(Some(_))),
                "a packet without its last byte is none"
            );
            rest = &rest[size..];
            taken += 1;
        }
        taken > 0
    });
}

/// Options of a message: read, bounded by their bytes, and written the same where all are sound.
fn options(appendage: Appendage<'_>) -> Option<Vec<Element>> {
    let read: Vec<_> = appendage.elements().collect();
    assert!(read.len() <= appendage.0.len(), "each option takes a byte at least");
    let failed = read.iter().filter(|element| element.is_err()).count();
    assert!(failed == 0 || failed == 1 && read.last().is_some_and(Result::is_err), "an error is the last");
    let elements: Vec<Element> = read.into_iter().collect::<Result<_, _>>().ok()?;
    let again = encoded(|out| elements.iter().for_each(|element| element.encode(out)));
    assert_eq!(again, appendage.0);
    Some(elements)
}

fn enter() -> EnterOrder {
    EnterOrder {
        user_ref: 1,
        side: b'B',
        quantity: 100,
        symbol: *b"BTCUSD  ",
        price: 1_000_000,
        time_in_force: b'0',
        display: b'Y',
        capacity: b'P',
        intermarket_sweep: b'N',
        cross_type: b'N',
        client_order_id: *b"abc           ",
    }
}

const ELEMENTS: [Element; 6] = [
    Element::Firm(*b"FIRM"),
    Element::MinQuantity(300),
    Element::PegOffset(-2),
    Element::PostOnly(b'P'),
    Element::DisplayPrice(5),
    Element::GroupId(7),
];

#[test]
fn fuzz_ouch_inbound() {
    let replace = ReplaceOrder {
        original_user_ref: 1,
        user_ref: 2,
        quantity: 3,
        price: 4,
        time_in_force: b'3',
        display: b'N',
        intermarket_sweep: b'N',
        client_order_id: [b' '; 14],
    };
    let examples = vec![
        encoded(|out| enter().encode_with(&[], out)),
        encoded(|out| enter().encode_with(&ELEMENTS, out)),
        encoded(|out| replace.encode_with(&[], out)),
        encoded(|out| replace.encode_with(&ELEMENTS[2..4], out)),
        CancelOrder { user_ref: 258, quantity: 0 }.to_bytes().to_vec(),
        ModifyOrder { user_ref: 1, side: b'S', quantity: 9 }.to_bytes().to_vec(),
        b"Q".to_vec(),
    ];
    fuzz("ouch_inbound", examples, |bytes| {
        let Ok(message) = inbound::decode(bytes) else { return false };
        let with = |appendage: Appendage<'_>, encode: &dyn Fn(&[Element], &mut Vec<u8>)| {
            options(appendage).map(|elements| encoded(|out| encode(&elements, out)))
        };
        let again = match message {
            Inbound::Enter(order, rest) => with(rest, &|elements, out| order.encode_with(elements, out)),
            Inbound::Replace(order, rest) => with(rest, &|elements, out| order.encode_with(elements, out)),
            Inbound::Cancel(order) => Some(order.to_bytes().to_vec()),
            Inbound::Modify(order) => Some(order.to_bytes().to_vec()),
            Inbound::Query => Some(b"Q".to_vec()),
        };
        assert!(again.is_none_or(|again| again == bytes), "what is taken is written the same");
        true
    });
}

/// One message of each type and length from the venue, with what is not its type all zero.
fn outbound_examples() -> Vec<Vec<u8>> {
    const LAYOUTS: [(u8, usize); 14] = [
        (b'S', 10),
        (b'A', 64),
        (b'U', 68),
        (b'C', 18),
        (b'D', 32),
        (b'E', 36),
        (b'B', 36),
        (b'J', 29),
        (b'P', 13),
        (b'I', 13),
        (b'T', 30),
        (b'M', 18),
        (b'R', 16),
        (b'Q', 13),
    ];
    LAYOUTS.iter().map(|&(kind, size)| [vec![kind], vec![0; size - 1]].concat()).collect()
}

#[test]
fn fuzz_ouch_outbound() {
    fuzz("ouch_outbound", outbound_examples(), |bytes| {
        let Ok(message) = outbound::decode(bytes) else { return false };
        let mut again = Vec::new();
        let out = &mut again;
        let appendage = match message {
            Outbound::Accepted(message, rest) => (message.encode(out), Some(rest)).1,
            Outbound::Replaced(message, rest) => (message.encode(out), Some(rest)).1,
            Outbound::Executed(message, rest) => (message.encode(out), Some(rest)).1,
            Outbound::Restated(message, rest) => (message.encode(out), Some(rest)).1,
            Outbound::SystemEvent(message) => (message.encode(out), None).1,
            Outbound::Cancelled(message) => (message.encode(out), None).1,
            Outbound::SelfMatchPrevented(message) => (message.encode(out), None).1,
            Outbound::BrokenTrade(message) => (message.encode(out), None).1,
            Outbound::Rejected(message) => (message.encode(out), None).1,
            Outbound::CancelPending(message) => (message.encode(out), None).1,
            Outbound::CancelRejected(message) => (message.encode(out), None).1,
            Outbound::PriorityUpdate(message) => (message.encode(out), None).1,
            Outbound::Modified(message) => (message.encode(out), None).1,
            Outbound::QueryResponse(message) => (message.encode(out), None).1,
        };
        let end = again.len();
        assert_eq!(again, bytes[..end]);
        match appendage {
            Some(rest) => {
                options(rest);
                assert_eq!(end + 2 + rest.0.len(), bytes.len());
            }
            None => assert_eq!(end, bytes.len()),
        }
        true
    });
}

#[test]
fn fuzz_itch() {
    const LAYOUTS: [(u8, usize); 11] = [
        (b'S', 12),
        (b'R', 39),
        (b'H', 25),
        (b'A', 36),
        (b'E', 31),
        (b'C', 36),
        (b'X', 23),
        (b'D', 19),
        (b'U', 35),
        (b'P', 44),
        (b'B', 19),
    ];
    let examples = LAYOUTS.iter().map(|&(kind, size)| [vec![kind], vec![0; size - 1]].concat());
    fuzz("itch", examples.collect(), |bytes| {
        let Ok(message) = itch::decode(bytes) else { return false };
        assert_eq!(encoded(|out| message.encode(out)), bytes);
        true
    });
}
