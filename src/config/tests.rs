//! A wrong configuration is told by file, line, key and remedy.

use super::{Configuration, DEFAULT_TEXT, Participants};
use crate::fuzz::fuzz;
use std::path::Path;

fn complaint(text: &str) -> String {
    let error = Configuration::parse(text, Some(Path::new("venue.toml"))).expect_err("it is wrong");
    error.to_string()
}

#[track_caller]
fn check(text: &str, place: &str, words: &str) {
    let complaint = complaint(text);
    assert!(complaint.contains(place), "{place:?} is not in: {complaint}");
    assert!(complaint.contains(words), "{words:?} is not in: {complaint}");
}

#[test]
fn the_defaults_are_valid() {
    let configuration = Configuration::load(None).expect("the defaults are valid");
    assert_eq!(configuration.seed.instruments.len(), 5);
    assert!(configuration.venue.durable);
}

#[test]
fn a_file_is_laid_over_the_defaults() {
    let text = "[venue]\ndurable = false\n[doors]\nouch = \"127.0.0.1:0\"\n";
    let configuration = Configuration::parse(text, None).expect("valid");
    assert!(!configuration.venue.durable);
    assert_eq!(configuration.doors.ouch.port(), 0);
    assert_eq!(configuration.doors.itch.port(), 9002);
    assert_eq!(configuration.seed.sessions.len(), 31);
}

#[test]
fn broken_text() {
    check("[venue]\ndata = \n", "venue.toml:2", "`rotunda config`");
    check("[venue\n", "venue.toml:1", "");
}

#[test]
fn unknown_keys() {
    check("[venue]\n\ndurabel = true\n", "venue.toml:3: venue.durabel", "unknown field `durabel`");
    check("[vanue]\n", "venue.toml:1: vanue", "unknown field");
    let session =
        "[seed]\nsessions = [\n  { name = \"a\", password = \"b\", account = \"demo01\", acount = 1 },\n]\n";
    check(session, "venue.toml:3: seed.sessions[0].acount", "unknown field");
}

#[test]
fn wrong_types() {
    check("[venue]\ndurable = 1\n", "venue.toml:2: venue.durable", "expected a boolean");
    check("[venue]\nlayout = \"both\"\n", "venue.toml:2: venue.layout", "`inline`");
    check("[doors]\nouch = \"localhost\"\n", "venue.toml:2: doors.ouch", "socket address");
    check("venue = 3\n", "venue.toml:1: venue", "expected struct");
    check("[rings]\ninput = -1\n", "venue.toml:2: rings.input", "");
    check("[venue]\nday_begins = \"25:00\"\n", "venue.toml:2: venue.day_begins", "17:30");
    check("[venue]\nzone = \"CET\"\n", "venue.toml:2: venue.zone", "+01:00");
}

#[test]
fn values_that_do_not_fit() {
    check("[rings]\ninput = 1000\n", "venue.toml:2: rings.input", "power of two");
    check("[doors]\nouch = \"0.0.0.0:9001\"\n", "venue.toml:2: doors.ouch", "venue.insecure = true");
    check("[doors]\nitch = \"127.0.0.1:9001\"\n", "venue.toml:2: doors.itch", "another port");
    check("[engine]\nsessions_max = 3\n", "venue.toml:2: engine.sessions_max", "31");
    check("[seed]\naccounts = []\n", "(by default): seed.sessions[0].account", "none of seed.accounts");
}

fn instrument(line: &str) -> String {
    let keys = [
        "symbol = \"BTCUSD\"",
        "base = \"BTC\"",
        "quote = \"USD\"",
        "tick = \"1\"",
        "lot = \"0.00000001\"",
        "price_max = \"400000\"",
        "quantity_max = \"1\"",
        "collar = \"1\"",
    ];
    let key = line.split(' ').next().unwrap_or_default();
    let kept = keys.iter().filter(|kept| kept.split(' ').next() != Some(key));
    let rest: Vec<_> = kept.copied().collect();
    format!("demo = {{ enabled = false }}\n[[seed.instruments]]\n{line}\n{}\n", rest.join("\n"))
}

#[test]
fn instruments_that_cannot_be() {
    let at = "venue.toml:3: seed.instruments[0]";
    assert!(Configuration::parse(&instrument("reference = \"5\""), None).is_ok());
    check(&instrument("symbol = \"TOOLONGNAME\""), &format!("{at}.symbol"), "1 to 8");
    check(&instrument("tick = \"0.00001\""), &format!("{at}.tick"), "four decimals");
    check(&instrument("tick = \"0.5x\""), &format!("{at}.tick"), "not a decimal number");
    check(&instrument("tick = \"0.1\""), "seed.instruments[0].lot", "more digits");
    check(&instrument("price_max = \"429497\""), &format!("{at}.price_max"), "429496.7295");
    check(&instrument("quantity_max = \"43\""), &format!("{at}.quantity_max"), "4294967295");
    check(&instrument("base = \"XAU\""), &format!("{at}.base"), "none of seed.currencies");
    check(&instrument("collar = \"0.5\""), &format!("{at}.collar"), "whole number of ticks");
    check(&instrument("maker_fee = \"0.001\""), &format!("{at}.maker_fee"), "basis points");
    let text = "[[seed.instruments]]\nsymbol = \"A\"\n";
    check(text, "venue.toml:1: seed.instruments[0]", "missing field `base`");
}

#[test]
fn insecure_addresses_can_be_asked_for() {
    let text = "[venue]\ninsecure = true\n[doors]\nouch = \"0.0.0.0:9001\"\n";
    assert!(Configuration::parse(text, None).is_ok());
}

#[test]
fn passwords_are_not_printed() {
    let configuration = Configuration::load(None).expect("valid");
    let printed = format!("{:?}", configuration.seed.sessions[0]);
    assert!(!printed.contains("password"), "{printed}");
}

#[test]
fn fuzz_configuration() {
    let mut examples: Vec<_> =
        DEFAULT_TEXT.split("\n\n[").map(|part| format!("[{}", part.trim_start_matches('['))).collect();
    examples.retain(|text| Configuration::parse(text, None).is_ok());
    assert!(examples.len() > 5, "most sections of the defaults stand alone");
    examples.extend([DEFAULT_TEXT.to_owned(), instrument("reference = \"5\"")]);
    let examples = examples.into_iter().map(String::into_bytes).collect();
    fuzz("configuration", examples, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match Configuration::parse(&text, Some(Path::new("venue.toml"))) {
            Ok(configuration) => {
                let again = Configuration::parse(&text, None).expect("it was valid before");
                assert_eq!(format!("{configuration:?}"), format!("{again:?}"));
                true
            }
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains("venue.toml"), "names the file: {told}");
                assert!(told.len() < 10 * bytes.len() + 10_000, "{} bytes of complaint", told.len());
                false
            }
        }
    });
}

#[test]
fn fuzz_symbol_and_decimal() {
    use super::decimal::Decimal;
    let examples = ["RAIN", "12.50", "0.00000001", "-1", "ABCDEFGH"].map(|text| text.as_bytes().to_vec());
    fuzz("symbol_and_decimal", examples.to_vec(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let symbol = crate::symbol::padded(&text);
        if let Some(symbol) = symbol {
            assert_eq!(net::wire::trimmed(&symbol), text.as_bytes());
        }
        let decimal: Result<Decimal, _> = text.parse();
        if let Ok(number) = &decimal {
            assert_eq!(number.to_string().parse(), Ok(*number));
            let _ = (number.in_units_of_digits(18), number.in_units_of(*number), number.step());
            let _ = number.times(*number).and_then(|square| square.in_units_of_digits(8));
        }
        symbol.is_some() || decimal.is_ok()
    });
}

#[test]
fn without_participants_nothing_about_them_is_wrong() {
    let text = "[seed]\nsessions = []\n";
    assert!(complaint(text).contains("demo.markets[0].maker"));
    let configuration =
        Configuration::parse_with(text, None, Participants::None).expect("nobody trades for it");
    assert!(!configuration.demo.enabled);
}
