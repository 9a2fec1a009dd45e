//! Packed records and decimal texts from any bytes at all.

#[allow(clippy::disallowed_types, reason = "the harness takes time, the engine does not")]
#[path = "../../tests/fuzz/harness.rs"]
mod harness;

use engine::command::{CommandKind, CommandSlot, OrderCommand};
use engine::decimal::{DIGITS_MAX, Decimal};
use engine::event::EventRecord;
use engine::number::{Price, Quantity, SessionId, Text, Timestamp, UserRef};
use engine::packed;
use harness::fuzz;

fn packed_order() -> Vec<u8> {
    let mut order = OrderCommand::blank(CommandKind::Enter, Timestamp(1_800_000_000_000_000_000));
    (order.session, order.user_ref) = (SessionId(3), UserRef(99));
    (order.price, order.quantity) = (Price(64_000), Quantity(100));
    order.client_id = Text::new("a client's own name").expect("fits");
    let mut bytes = Vec::new();
    packed::encode(CommandSlot::new(&order).words(), &mut bytes);
    bytes
}

#[test]
fn fuzz_packed() {
    let examples = vec![packed_order(), vec![0, 0], [&[0xFF, 0xFF][..], &[1; 128]].concat()];
    fuzz("packed", examples, |bytes| {
        let Ok((words, size)) = packed::decode(bytes) else { return false };
        let mut again = Vec::new();
        packed::encode(&words, &mut again);
        assert_eq!(again, bytes[..size], "one form for the same words");
        // What the words mean is either a typed view or an error.
        let command = CommandSlot::from_words(words);
        let event = EventRecord::from_words(words);
        assert_eq!((command.words(), event.words()), (&words, &words));
        let _ = (command.view().is_ok(), event.view().is_ok());
        true
    });
}

#[test]
fn fuzz_decimal() {
    let examples = ["0", "-12.50", "68000", "0.00000001", "999999999999999999999999999999"];
    let examples = examples.map(|text| text.as_bytes().to_vec()).to_vec();
    fuzz("decimal", examples, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let Ok(number) = Decimal::parse(&text) else { return false };
        assert!(number.digits <= DIGITS_MAX && text.len() <= 32, "{text} is longer than the bounds allow");
        let written = number.to_string();
        assert_eq!(Decimal::parse(&written), Ok(number), "{text} was written as {written}");
        let trimmed = number.trimmed();
        if let Ok(steps) = number.in_steps(1, DIGITS_MAX) {
            assert_eq!(trimmed.in_steps(1, DIGITS_MAX), Ok(steps), "{text} has the same size without zeros");
        }
        for (step, digits) in [(1, 0), (5, 2), (1, 4), (u64::MAX, 18), (0, 0)] {
            if let Ok(steps) = number.in_steps(step, digits) {
                let back = Decimal { mantissa: steps * i128::from(step), digits };
                assert_eq!(back.trimmed(), trimmed, "{text} in steps of {step} / 10^{digits}");
            }
        }
        true
    });
}
