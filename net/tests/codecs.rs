//! What is encoded is decoded to the same, and no bytes at all make a decoder panic.

use net::itch;
use net::ouch::appendage::{Appendage, Element};
use net::ouch::inbound::{self, EnterOrder, Inbound};
use net::ouch::outbound::{self, Outbound};
use net::soup::{self, Login, LoginAccepted, Packet};
use proptest::prelude::*;

fn enter() -> impl Strategy<Value = EnterOrder> {
    let numbers = (any::<u32>(), any::<u32>(), any::<u64>(), any::<[u8; 8]>());
    (numbers, any::<[u8; 6]>(), "[ -~]{14}").prop_map(|(numbers, letters, id)| {
        let (user_ref, quantity, price, symbol) = numbers;
        let [side, time_in_force, display, capacity, intermarket_sweep, cross_type] = letters;
        let client_order_id = id.as_bytes().try_into().expect("fourteen characters");
        EnterOrder {
            user_ref,
            side,
            quantity,
            symbol,
            price,
            time_in_force,
            display,
            capacity,
            intermarket_sweep,
            cross_type,
            client_order_id,
        }
    })
}

fn element() -> impl Strategy<Value = Element> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(Element::Firm),
        any::<u32>().prop_map(Element::MinQuantity),
        any::<i32>().prop_map(Element::PegOffset),
        any::<u8>().prop_map(Element::PostOnly),
        any::<u64>().prop_map(Element::DisplayPrice),
        any::<u16>().prop_map(Element::GroupId),
    ]
}

proptest! {
    #[test]
    fn an_order_and_its_options_survive_the_wire(
        order in enter(),
        options in proptest::collection::vec(element(), 0..8),
    ) {
        let mut packet = Vec::new();
        soup::frame(&mut packet, b'U', |out| order.encode_with(&options, out));
        let Ok(Some((Packet::Unsequenced(message), size))) = soup::decode(&packet) else {
            panic!("no packet")
        };
        prop_assert_eq!(size, packet.len());
        let Ok(Inbound::Enter(found, appendage)) = inbound::decode(message) else { panic!("no O") };
        prop_assert_eq!(found, order);
        let found: Result<Vec<_>, _> = appendage.elements().collect();
        prop_assert_eq!(found, Ok(options));
        prop_assert!(inbound::decode(&message[..message.len() - 1]).is_err());
    }

    #[test]
    fn logins_survive_the_wire(
        username in "[!-~]{0,6}",
        password in "[!-~]{0,10}",
        session in "[!-~]{0,10}",
        sequence: u64,
    ) {
        let login = Packet::Login(Login {
            username: username.as_bytes(),
            password: password.as_bytes(),
            session: session.as_bytes(),
            sequence,
        });
        let accepted = Packet::LoginAccepted(LoginAccepted { session: session.as_bytes(), sequence });
        let mut bytes = Vec::new();
        login.encode(&mut bytes);
        let first = bytes.len();
        accepted.encode(&mut bytes);
        prop_assert_eq!(soup::decode(&bytes), Ok(Some((login, first))));
        prop_assert_eq!(soup::decode(&bytes[first..]), Ok(Some((accepted, bytes.len() - first))));
    }

    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut out = Vec::new();
        if let Ok(message) = itch::decode(&bytes) {
            message.encode(&mut out);
            prop_assert_eq!(&out, &bytes);
        }
        out.clear();
        if let Ok(Outbound::Cancelled(message)) = outbound::decode(&bytes) {
            message.encode(&mut out);
            prop_assert_eq!(&out, &bytes);
        }
        let _ = Appendage(&bytes).elements().count();
        let _ = inbound::decode(&bytes);
        if let Ok(Some((_, size))) = soup::decode(&bytes) {
            prop_assert!(size <= bytes.len());
        }
    }

    #[test]
    fn messages_of_the_feed_survive_the_wire(kind in 0usize..11, tail in proptest::collection::vec(any::<u8>(), 43)) {
        const LAYOUTS: [(u8, usize); 11] = [
            (b'S', 12), (b'R', 39), (b'H', 25), (b'A', 36), (b'E', 31), (b'C', 36),
            (b'X', 23), (b'D', 19), (b'U', 35), (b'P', 44), (b'B', 19),
        ];
        let (kind, size) = LAYOUTS[kind];
        let bytes = [&[kind], &tail[..size - 1]].concat();
        let mut out = Vec::new();
        itch::decode(&bytes).expect("of its length").encode(&mut out);
        prop_assert_eq!(out, bytes);
    }
}
