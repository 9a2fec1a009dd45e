use crate::client::{Client, cancel, enter, enter_with, login, replace};
use crate::venue::Venue;
use net::doors::DoorLimits;
use net::itch::feed::FeedDay;
use net::itch::{self, Message};

const BTC: &[u8; 8] = b"BTCUSD  ";
const ETH: &[u8; 8] = b"ETHUSD  ";

fn types(messages: &[Vec<u8>]) -> String {
    messages.iter().map(|message| char::from(message[0])).collect()
}

#[test]
fn a_day_opens_with_its_instruments() {
    let mut venue = Venue::new();
    let messages = Client::reader(&mut venue, 1).messages(&mut venue, 5);
    assert_eq!(types(&messages), "SRHRH", "a symbol of ten characters is not carried");
    assert_eq!(messages[0][11], b'O');
    assert_eq!((&messages[1][1..3], &messages[1][11..19]), (&b"\0\x01"[..], &BTC[..]));
    assert_eq!((&messages[2][11..19], messages[2][19]), (&BTC[..], b'T'));
    assert_eq!(messages.iter().map(Vec::len).collect::<Vec<_>>(), [12, 39, 25, 39, 25]);
}

#[test]
fn what_happens_to_displayed_orders_is_told() {
    let mut venue = Venue::new();
    let mut reader = Client::reader(&mut venue, 0);
    let mut trader = Client::trader(&mut venue, "demo01", 0);
    trader.message(&enter(1, b'S', 10, ETH, 34_0100));
    trader.message(&cancel(1, 7));
    trader.message(&replace(1, 2, 6, 35_0200));
    trader.message(&cancel(2, 0));
    trader.message(&enter_with(3, (b'X', 10), (ETH, 1), b"0YPNN", b"", b""));
    let messages = reader.messages(&mut venue, 4);
    assert_eq!(types(&messages), "AXUD", "a reject is nobody else's business");
    let decoded: Vec<_> = messages.iter().map(|bytes| itch::decode(bytes).expect("ITCH")).collect();
    let Message::AddOrder(add) = decoded[0] else { panic!("no A") };
    assert_eq!((add.locate, add.order_reference, add.side, add.shares), (2, 1, b'S', 10));
    assert_eq!((&add.stock, add.price), (ETH, 34_0100));
    let Message::OrderCancel(cancel) = decoded[1] else { panic!("no X") };
    assert_eq!((cancel.order_reference, cancel.shares), (1, 3));
    let Message::OrderReplace(replace) = decoded[2] else { panic!("no U") };
    assert_eq!((replace.original_reference, replace.order_reference), (1, 2));
    assert_eq!((replace.shares, replace.price), (6, 35_0200));
    let Message::OrderDelete(delete) = decoded[3] else { panic!("no D") };
    assert_eq!(delete.order_reference, 2);
    venue.trade(2, 5);
    let executed = reader.messages(&mut venue, 1);
    assert_eq!(types(&executed), "E", "one message a trade");
    assert_eq!(executed[0][11..], *b"\0\0\0\0\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0\x09");
}

/// A day of `count` orders.
fn day_of(count: u32) -> Venue {
    let mut venue = Venue::new();
    let mut trader = Client::trader(&mut venue, "demo01", 0);
    for number in 1..=count {
        trader.message(&enter(number, b'B', number, BTC, 1_0000));
    }
    trader.messages(&mut venue, count as usize);
    venue
}

fn shares(messages: &[Vec<u8>]) -> Vec<u32> {
    let shares = |message: &Vec<u8>| u32::from_be_bytes(message[20..24].try_into().expect("four bytes"));
    messages.iter().filter(|message| message[0] == b'A').map(shares).collect()
}

#[test]
fn a_late_reader_begins_at_any_number_also_after_a_restart() {
    let mut venue = day_of(3000);
    let all = Client::reader(&mut venue, 1).messages(&mut venue, 3005);
    assert_eq!(shares(&all), (1..=3000).collect::<Vec<_>>());
    for restarted in [false, true] {
        for from in [2, 1024, 1025, 2048, 2500, 3005] {
            let messages = Client::reader(&mut venue, from as u64).messages(&mut venue, 3006 - from);
            assert_eq!(messages, all[from - 1..], "from {from}, restarted: {restarted}");
        }
        if !restarted {
            venue.restart(DoorLimits::default());
        }
    }
}

#[test]
fn a_late_reader_joins_what_is_released_meanwhile() {
    let mut venue = day_of(2000);
    venue.log_lags = true;
    let mut trader = Client::trader(&mut venue, "demo01", 0);
    let mut reader = Client::reader(&mut venue, 1);
    for number in 2001..=2100 {
        trader.message(&enter(number, b'B', number, BTC, 1_0000));
    }
    trader.messages(&mut venue, 100);
    venue.log_lags = false;
    assert_eq!(shares(&reader.messages(&mut venue, 2105)), (1..=2100).collect::<Vec<_>>());
    reader.nothing(&mut venue);
}

#[test]
fn numbers_are_a_function_of_the_events() {
    let venue = day_of(100);
    let mut directory = net::directory::Directory::new();
    let mut day = FeedDay::new(&directory);
    let mut last = 0;
    for event in &venue.events {
        directory.learn(event);
        day.apply(event, &directory, |number, _| {
            assert!(number == last + 1 || number == 1);
            last = number;
        });
    }
    assert_eq!((day.name.as_str(), day.next, last), ("26112401", 106, 105));
}

#[test]
fn a_new_day_ends_the_feed_and_the_next_begins_with_1() {
    let mut venue = day_of(10);
    let mut live = Client::reader(&mut venue, 0);
    venue.log_lags = true;
    let mut late = Client::reader(&mut venue, 1);
    venue.new_day(20_261_125);
    assert_eq!(live.until_closed(&mut venue), [(b'Z', Vec::new())]);
    venue.log_lags = false;
    let rest = late.until_closed(&mut venue);
    assert_eq!((rest.len(), rest[15].0), (16, b'Z'), "the old day whole, then its end");
    let mut reader = Client::connect(venue.doors.addresses().itch);
    reader.send(&login("itch01", "itch01", "26112401", 1));
    assert_eq!(reader.packet(&mut venue), (b'J', b"S".to_vec()));
    let mut reader = Client::reader(&mut venue, 1);
    assert_eq!(types(&reader.messages(&mut venue, 1)), "S");
    reader.nothing(&mut venue);
}
