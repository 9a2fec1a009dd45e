use crate::client::{Client, cancel, enter, enter_with, replace};
use crate::venue::{DEMO01, Venue};
use engine::command::{CommandKind, OrderCommand};
use engine::number::{InstrumentId, Price, Quantity, UserRef};
use engine::reason::Reject;
use engine::terms::{Conditions, OrderType, Side, TimeInForce};
use net::ouch::outbound::{self, Outbound};

const BTC: &[u8; 8] = b"BTCUSD  ";
const ETH: &[u8; 8] = b"ETHUSD  ";
const DAY: &[u8; 5] = b"0YPNN";

/// The command that a message becomes.
fn command(message: &[u8]) -> OrderCommand {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(message);
    venue.pump_until(|venue| !venue.orders().is_empty());
    venue.orders()[0]
}

fn rejected(message: &[u8]) -> Reject {
    command(message).door_reject
}

#[test]
fn a_plain_order_in_every_byte() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(&enter_with(1, (b'S', 300), (BTC, 760_000_000), DAY, b"first", b""));
    let accepted = &client.messages(&mut venue, 1)[0];
    let order = venue.orders()[0];
    assert_eq!((order.kind, order.side, order.session), (CommandKind::Enter, Side::Sell, DEMO01));
    assert_eq!((order.price, order.quantity), (Price(76_000), Quantity(300)));
    assert_eq!((order.instrument, order.revision), (InstrumentId(1), 1));
    assert_eq!((order.order_type, order.time_in_force), (OrderType::Limit, TimeInForce::Day));
    assert_eq!((order.capacity, order.door, order.door_reject), (b'P', 1, Reject::None));
    assert_eq!(order.client_id.as_str(), "first");
    let noon = (venue.events.last().expect("accepted").words()[1] % 86_400_000_000_000).to_be_bytes();
    let expected = [
        b"A",
        &noon[..],
        b"\0\0\0\x01S\0\0\x01\x2cBTCUSD  ",
        &760_000_000u64.to_be_bytes(),
        b"0Y\0\0\0\0\0\0\0\x01PNNLfirst         \0\0",
    ];
    assert_eq!(*accepted, expected.concat());
}

#[test]
fn what_cannot_be_converted_is_a_command_all_the_same() {
    let with =
        |letters: &[u8; 5], options: &[u8]| enter_with(1, (b'B', 10), (BTC, 1_0000), letters, b"", options);
    assert_eq!(rejected(&enter(1, b'B', 10, b"NOSUCH  ", 1)), Reject::UnknownInstrument);
    assert_eq!(rejected(&enter(1, b'B', 10, b"WIDESYMB", 1)), Reject::UnknownInstrument);
    assert_eq!(rejected(&enter(1, b'B', 10, BTC, 1_0001)), Reject::Price);
    assert_eq!(rejected(&enter(1, b'B', 10, ETH, 1_0050)), Reject::Price);
    assert_eq!(rejected(&enter(1, b'B', 10, ETH, u64::MAX)), Reject::Price);
    assert_eq!(rejected(&enter(1, b'T', 10, BTC, 1_0000)), Reject::Side);
    assert_eq!(rejected(&enter(1, b'T', 10, BTC, 1_0001)), Reject::Side, "the check that comes first");
    for letters in [b"5YPNN", b"EYPNN", b"6YPNN", b"0XPNN", b"0YXNN"] {
        assert_eq!(rejected(&with(letters, b"")), Reject::Combination, "{letters:?}");
    }
    assert_eq!(rejected(&with(b"0YPYN", b"")), Reject::IntermarketSweep);
    assert_eq!(rejected(&with(b"0YPNO", b"")), Reject::CrossType);
    assert_eq!(rejected(&with(DAY, b"\x02\x63x")), Reject::Combination, "unknown option");
    assert_eq!(rejected(&with(DAY, b"\x02\x03x")), Reject::Combination, "wrong size");
    assert_eq!(rejected(&with(DAY, b"\x09\x03xx")), Reject::Combination, "runs past the end");
    assert_eq!(rejected(&with(DAY, b"\x02\x0cP\x02\x0cP")), Reject::Combination, "twice");
    assert_eq!(rejected(&with(DAY, b"\x05\x0eROUT")), Reject::Unsupported);
    assert_eq!(rejected(&with(DAY, b"\x05\x03\0\0\0\x05")), Reject::MinimumQuantity);
    assert_eq!(rejected(&with(b"3YPNN", b"\x05\x05\0\0\0\x05")), Reject::Combination, "a peak does not rest");
    let order = command(&enter(1, b'B', 10, b"NOSUCH  ", 1));
    assert_eq!((order.instrument, order.user_ref), (InstrumentId(0), UserRef(1)));
}

#[test]
fn a_reject_carries_nasdaqs_code_and_the_clients_id() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    let cases: [(Vec<u8>, u16); 4] = [
        (enter_with(1, (b'B', 10), (b"NOSUCH  ", 1), DAY, b"mine", b""), 0x0017),
        (enter_with(2, (b'E', 10), (BTC, 1_0000), DAY, b"mine", b""), 0x0009),
        (enter_with(3, (b'B', 10), (BTC, 1_0000), b"0YPYN", b"mine", b""), 0x0008),
        (enter_with(4, (b'B', 10), (BTC, 1_0000), b"0YPNC", b"mine", b""), 0x0014),
    ];
    for (message, code) in cases {
        client.message(&message);
        let answer = &client.messages(&mut venue, 1)[0];
        assert_eq!(
            (answer[0], &answer[13..15], &answer[15..]),
            (b'J', &code.to_be_bytes()[..], &b"mine          "[..])
        );
    }
}

#[test]
fn letters_and_options_become_terms() {
    let with = |letters: &[u8; 5], options: &[u8]| {
        command(&enter_with(1, (b'B', 10), (BTC, 1_0000), letters, b"", options))
    };
    assert_eq!(with(b"3YPNN", b"").time_in_force, TimeInForce::ImmediateOrCancel);
    let all = with(b"3YPNN", b"\x05\x03\0\0\0\x0a");
    assert_eq!((all.time_in_force, all.floor), (TimeInForce::FillOrKill, Quantity(0)));
    let some = with(b"3YPNN", b"\x05\x03\0\0\0\x04");
    assert_eq!((some.time_in_force, some.floor), (TimeInForce::ImmediateOrCancel, Quantity(4)));
    let timed = with(b"6YPNN", b"\x05\x0f\0\0\0\x3c");
    assert_eq!(timed.time_in_force, TimeInForce::GoodTillDate);
    assert_eq!(timed.expires.0, timed.time.0 + 60_000_000_000);
    assert_eq!(with(b"0NANN", b"\x02\x0cP").conditions, Conditions::HIDDEN.with(Conditions::POST_ONLY));
    assert_eq!(with(b"0AANN", b"").conditions, Conditions::ATTRIBUTABLE);
    let firm = with(DAY, b"\x05\x02AB  \x03\x18\x01\x02");
    assert_eq!((firm.firm.as_str(), firm.group), ("AB", 0x0102));
    let peak = with(DAY, b"\x05\x05\0\0\0\x03");
    assert_eq!((peak.floor, peak.door_reject), (Quantity(3), Reject::None));
    let market = command(&enter(1, b'B', 10, ETH, 0x7FFF_FFFF));
    assert_eq!((market.order_type, market.price), (OrderType::Market, Price(0)));
    assert_eq!(market.door_reject, Reject::None);
    let peg = with(DAY, b"\x02\x06R\x05\x07\xff\xff\xd8\xf0");
    assert_eq!((peg.order_type, peg.trigger), (OrderType::PegPrimary, -1));
}

#[test]
fn options_are_echoed() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    let options = b"\x05\x02AB  \x02\x0cP\x03\x18\x01\x02";
    client.message(&enter_with(1, (b'B', 10), (BTC, 1_0000), DAY, b"", options));
    client.message(&enter_with(2, (b'B', 10), (BTC, 1_0000), b"6YPNN", b"", b"\x05\x0f\0\0\0\x3c"));
    client.message(&enter_with(3, (b'B', 10), (BTC, 1_0000), b"3YPNN", b"", b"\x05\x03\0\0\0\x0a"));
    let answers = client.messages(&mut venue, 3);
    assert_eq!(answers[0][62..], [&[0, 13], &options[..]].concat());
    assert_eq!(answers[1][62..], *b"\0\x06\x05\x0f\0\0\0\x3c");
    assert_eq!(answers[2][62..], *b"\0\x06\x05\x03\0\0\0\x0a");
}

#[test]
fn a_replacement_is_converted_with_its_orders_instrument() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    // All in one write: the replacements come before anything was accepted.
    let batch = [enter(1, b'S', 10, ETH, 34_0100), replace(1, 2, 9, 35_0200), replace(2, 3, 8, 36_0300)];
    client.send(&batch.map(|message| crate::client::frame(b'U', &message)).concat());
    let answers = client.messages(&mut venue, 3);
    let Ok(Outbound::Replaced(replaced, _)) = outbound::decode(&answers[2]) else { panic!("no U") };
    assert_eq!((replaced.original_user_ref, replaced.user_ref), (2, 3));
    assert_eq!((replaced.price, replaced.quantity, &replaced.symbol), (36_0300, 8, ETH));
    assert_eq!(replaced.side, b'S');
    let orders = venue.orders();
    assert_eq!(
        (orders[2].instrument, orders[2].price, orders[2].target),
        (InstrumentId(2), Price(3603), UserRef(2))
    );

    // Off the tick: the engine is told, and the number is not used up.
    client.message(&replace(3, 4, 8, 36_0301));
    assert_eq!(client.messages(&mut venue, 1)[0][0], b'C');
    assert_eq!(venue.orders()[3].door_reject, Reject::Price);
    client.message(&replace(3, 4, 8, 36_0300));
    venue.pump_until(|venue| venue.orders().len() == 5);
    assert_eq!(venue.orders()[4].door_reject, Reject::UnknownInstrument, "the order is gone");
}

#[test]
fn open_orders_are_known_after_a_restart() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(&enter(1, b'S', 10, ETH, 34_0100));
    client.messages(&mut venue, 1);
    venue.restart(net::doors::DoorLimits::default());
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(&replace(1, 2, 9, 35_0200));
    assert_eq!(client.messages(&mut venue, 1)[0][0], b'U');
    assert_eq!(venue.orders()[1].instrument, InstrumentId(2));
}

#[test]
fn cancel_reduce_modify_and_query() {
    let mut venue = Venue::new();
    let mut client = Client::trader(&mut venue, "demo01", 0);
    client.message(&enter(1, b'B', 10, BTC, 1_0000));
    client.message(&cancel(1, 7));
    client.message(b"M\0\0\0\x01B\0\0\0\x05");
    client.message(b"M\0\0\0\x01T\0\0\0\x04");
    client.message(&cancel(1, 0));
    client.message(&cancel(1, 0));
    client.message(b"Q");
    let answers = client.messages(&mut venue, 5);
    assert_eq!(answers[1][9..], *b"\0\0\0\x01\0\0\0\x03U", "three lots less");
    assert_eq!((answers[2][0], &answers[2][9..]), (b'M', &b"\0\0\0\x01B\0\0\0\x05"[..]));
    assert_eq!((answers[3][0], &answers[3][9..]), (b'C', &b"\0\0\0\x01\0\0\0\x05U"[..]));
    assert_eq!((answers[4][0], &answers[4][9..]), (b'Q', &b"\0\0\0\x02"[..]));
    let kinds: Vec<_> = venue.orders().iter().map(|order| order.kind).collect();
    use CommandKind::{Cancel, Enter, Query, Reduce};
    assert_eq!(kinds, [Enter, Reduce, Reduce, Reduce, Cancel, Cancel, Query], "each is in the log");
    assert_eq!(venue.orders()[3].target, UserRef(0), "a side that is not traded modifies nothing");
}

#[test]
fn a_trade_is_told_to_both_sides() {
    let mut venue = Venue::new();
    let mut maker = Client::trader(&mut venue, "demo01", 0);
    let mut taker = Client::trader(&mut venue, "demo02", 0);
    venue.trade(1, 5);
    for (client, liquidity) in [(&mut maker, b'A'), (&mut taker, b'R')] {
        let executed = &client.messages(&mut venue, 1)[0];
        let expected = [
            b"\0\0\0\x01\0\0\0\x05",
            &1_000_000u64.to_be_bytes()[..],
            &[liquidity],
            b"\0\0\0\0\0\0\0\x09\0\0",
        ];
        assert_eq!((executed[0], &executed[9..]), (b'E', &expected.concat()[..]));
    }
}
