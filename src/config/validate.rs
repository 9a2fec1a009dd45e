//! What types cannot say: how the values of a configuration must fit together.

use super::listing::currency;
use super::{Configuration, Seed};
use engine::number::{InstrumentId, Timestamp};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Fewest places of a ring (`disruptor` refuses less).
const RING_MIN: usize = 64;
/// Most places of a ring: a gibibyte of them.
const RING_MAX: usize = 8_388_608;
/// Most decimal digits of a currency: one whole unit must fit an amount of 64 bits many times.
const CURRENCY_DIGITS_MAX: u8 = 12;

/// The faults of a configuration: key and sentence.
type Faults = Vec<(String, String)>;

/// Every fault of `configuration`.
pub(super) fn faults(configuration: &Configuration) -> Faults {
    let mut faults = Faults::new();
    node(configuration, &mut faults);
    sizes(configuration, &mut faults);
    names(&configuration.seed, &mut faults);
    instruments(&configuration.seed, &mut faults);
    accounts(&configuration.seed, &mut faults);
    sessions(&configuration.seed, &mut faults);
    if configuration.demo.enabled {
        demo(configuration, &mut faults);
    }
    limits(configuration, &mut faults);
    faults
}

fn node(configuration: &Configuration, faults: &mut Faults) {
    let Configuration { doors, web, .. } = configuration;
    let web_address = web.enabled.then_some(("web.address", web.address));
    for (key, address) in
        [("doors.ouch", doors.ouch), ("doors.itch", doors.itch)].into_iter().chain(web_address)
    {
        if !configuration.venue.insecure && !address.ip().is_loopback() {
            faults.push((key.to_owned(), insecure(address)));
        }
    }
    if doors.ouch == doors.itch && doors.ouch.port() != 0 {
        faults.push((
            "doors.itch".to_owned(),
            format!("{} is the address of doors.ouch: take another port", doors.itch),
        ));
    }
    for (key, address) in [("doors.ouch", doors.ouch), ("doors.itch", doors.itch)] {
        if web.enabled && web.address == address && address.port() != 0 {
            let message = format!("{address} is the address of {key}: take another port");
            faults.push(("web.address".to_owned(), message));
        }
    }
    let mut names = BTreeSet::new();
    for (index, sink) in configuration.adapters.json_lines.iter().enumerate() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if sink.name.is_empty() || !sink.name.chars().all(plain) || !names.insert(&sink.name) {
            let key = format!("adapters.json_lines[{index}].name");
            faults.push((
                key,
                "a name of its own, of letters, digits, - and _: it names the cursor's file".to_owned(),
            ));
        }
    }
}

fn insecure(address: SocketAddr) -> String {
    format!(
        "{address} can be reached from other machines, and this door is not encrypted: anyone on the path can read \
         passwords and change orders. Use 127.0.0.1, or set venue.insecure = true if the network is yours alone"
    )
}

fn sizes(configuration: &Configuration, faults: &mut Faults) {
    let Configuration { venue, doors, web, rings, journal, event_log, retention, disk, demo, .. } =
        configuration;
    for (key, places) in [("rings.input", rings.input), ("rings.output", rings.output)] {
        if !places.is_power_of_two() || !(RING_MIN..=RING_MAX).contains(&places) {
            let message = format!("{places} is no power of two from {RING_MIN} to {RING_MAX}");
            faults.push((key.to_owned(), message));
        }
    }
    if venue.cores.len() > 4 {
        let what = "at most four: the sockets', the engine's, the journal's and the egress's";
        faults.push(("venue.cores".to_owned(), what.to_owned()));
    }
    let bounds = [
        ("doors.connections_max", doors.connections_max as u64, 1, 65_536),
        ("doors.connections_per_address_max", doors.connections_per_address_max as u64, 1, 65_536),
        ("doors.packets_s_max", doors.packets_s_max.into(), 1, u64::from(doors.packets_s_log_out)),
        ("doors.packets_s_log_out", doors.packets_s_log_out.into(), 1, 1_000_000_000),
        ("doors.mib_s_log_out", doors.mib_s_log_out.into(), 1, 4_095),
        ("doors.breaches_max", doors.breaches_max.into(), 1, 1_000_000_000),
        ("doors.log_in_s_max", doors.log_in_s_max, 1, 3_600),
        ("doors.silence_s_max", doors.silence_s_max, 2, 3_600),
        ("doors.heartbeat_s", doors.heartbeat_s, 1, 15),
        ("doors.output_buffer_kib_max", doors.output_buffer_kib_max as u64, 64, 1_048_576),
        ("doors.failed_log_ins_max", doors.failed_log_ins_max.into(), 1, 1_000_000),
        ("web.connections_max", web.connections_max as u64, 1, 65_536),
        ("web.streams_max", web.streams_max as u64, 1, 1024),
        ("web.messages_per_second_max", web.messages_per_second_max.into(), 1, 1000),
        ("web.request_s_max", web.request_s_max, 1, 3600),
        ("web.idle_s_max", web.idle_s_max, 1, 3600),
        ("web.ping_s", web.ping_s, 1, 3600),
        ("web.silence_s_max", web.silence_s_max, 2, 86_400),
        ("web.output_buffer_kib_max", web.output_buffer_kib_max as u64, 128, 1_048_576),
        ("journal.segment_mib", journal.segment_mib, 1, 4_096),
        ("journal.writes_in_flight", journal.writes_in_flight as u64, 1, 64),
        ("event_log.segment_mib", event_log.segment_mib, 1, 1_024),
        ("event_log.sync_ms", event_log.sync_ms, 1, 60_000),
        ("retention.journal_mib", retention.journal_mib, 1, 16_777_216),
        ("retention.event_log_mib_max", retention.event_log_mib_max, 1, 16_777_216),
        ("disk.refuse_percent", disk.refuse_percent, 0, 50),
        ("disk.stop_percent", disk.stop_percent, 0, disk.refuse_percent),
        ("demo.pace", demo.pace.into(), 1, 1_000),
        ("demo.levels", demo.levels.into(), 1, 50),
    ];
    for (key, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            faults.push((key.to_owned(), format!("{value} is not from {least} to {most}")));
        }
    }
}

fn limits(configuration: &Configuration, faults: &mut Faults) {
    let Configuration { engine, seed, .. } = configuration;
    let bounds = [
        ("engine.orders_max", engine.orders_max, 1, 1 << 26),
        ("engine.level_blocks_max", engine.level_blocks_max, 1, 1 << 25),
        ("engine.instruments_max", engine.instruments_max, seed.instruments.len(), 65_535),
        ("engine.accounts_max", engine.accounts_max, seed.accounts.len(), 10_000_000),
        ("engine.sessions_max", engine.sessions_max, seed.sessions.len(), 1_000_000),
        ("engine.currencies_max", engine.currencies_max.into(), seed.currencies.len(), 65_535),
    ];
    for (key, value, least, most) in bounds {
        if (value as usize) < least || value as usize > most {
            faults
                .push((key.to_owned(), format!("{value} is not from {least} (what [seed] needs) to {most}")));
        }
    }
}

fn names(seed: &Seed, faults: &mut Faults) {
    let lists: [(&str, &str, Vec<&str>); 4] = [
        ("currencies", "name", seed.currencies.iter().map(|item| item.name.as_str()).collect()),
        ("instruments", "symbol", seed.instruments.iter().map(|item| item.symbol.as_str()).collect()),
        ("accounts", "name", seed.accounts.iter().map(|item| item.name.as_str()).collect()),
        ("sessions", "name", seed.sessions.iter().map(|item| item.name.as_str()).collect()),
    ];
    for (list, field, names) in lists {
        let mut seen = BTreeSet::new();
        for (index, name) in names.into_iter().enumerate() {
            // Soup compares names without regard to case.
            if !seen.insert(name.to_ascii_uppercase()) {
                let key = format!("seed.{list}[{index}].{field}");
                faults.push((
                    key,
                    format!("{name} is there twice: names are unique, capitals make no difference"),
                ));
            }
        }
    }
}

fn instruments(seed: &Seed, faults: &mut Faults) {
    for (index, currency) in seed.currencies.iter().enumerate() {
        if currency.digits > CURRENCY_DIGITS_MAX {
            let message = format!("{} is more than {CURRENCY_DIGITS_MAX}", currency.digits);
            faults.push((format!("seed.currencies[{index}].digits"), message));
        }
    }
    for (index, instrument) in seed.instruments.iter().enumerate() {
        if let Err((key, message)) = instrument.listing(InstrumentId(0), &seed.currencies, Timestamp(0)) {
            faults.push((format!("seed.instruments[{index}].{key}"), message));
        }
    }
}

fn accounts(seed: &Seed, faults: &mut Faults) {
    for (index, account) in seed.accounts.iter().enumerate() {
        for (name, amount) in &account.deposits {
            let key = format!("seed.accounts[{index}].deposits.{name}");
            let Some((_, currency)) = currency(&seed.currencies, name) else {
                faults.push((key, format!("{name} is none of seed.currencies: add it there")));
                continue;
            };
            if amount.in_units_of_digits(currency.digits).is_none_or(|units| units <= 0) {
                let message =
                    format!("{amount} is no amount above 0 of {name}, which has {} digits", currency.digits);
                faults.push((key, message));
            }
        }
        if !account.deposits.is_empty() && account.mode == super::seed::AccountMode::External {
            let message =
                "an external account holds no balances: make it a ledger account or leave deposits out";
            faults.push((format!("seed.accounts[{index}].deposits"), message.to_owned()));
        }
    }
}

fn sessions(seed: &Seed, faults: &mut Faults) {
    for (index, session) in seed.sessions.iter().enumerate() {
        if !seed.accounts.iter().any(|account| account.name == session.account) {
            let message = format!("{} is none of seed.accounts: add it there", session.account);
            faults.push((format!("seed.sessions[{index}].account"), message));
        }
    }
}

fn demo(configuration: &Configuration, faults: &mut Faults) {
    let seed = &configuration.seed;
    let mut users = BTreeSet::new();
    for (index, market) in configuration.demo.markets.iter().enumerate() {
        let mut fault =
            |key: &str, message: String| faults.push((format!("demo.markets[{index}].{key}"), message));
        let Some(instrument) = seed.instruments.iter().find(|item| item.symbol.as_str() == market.symbol)
        else {
            let off = "list it, take it out, or set demo.enabled = false";
            fault("symbol", format!("{} is none of seed.instruments: {off}", market.symbol));
            continue;
        };
        let ticks = market.reference.in_units_of(instrument.tick).filter(|&ticks| ticks > 0);
        if ticks.is_none() {
            let message = format!(
                "{} is not above 0 and a whole number of ticks of {}",
                market.reference, instrument.tick
            );
            fault("reference", message);
        }
        if market.quantity.in_units_of(instrument.lot).is_none_or(|lots| lots <= 0) {
            let message = format!(
                "{} is not above 0 and a whole number of lots of {}",
                market.quantity, instrument.lot
            );
            fault("quantity", message);
        }
        for (key, user) in [("maker", &market.maker), ("taker", &market.taker)] {
            if !seed.sessions.iter().any(|session| session.name.as_str() == user) {
                fault(key, format!("{user} is none of seed.sessions: add it there"));
            } else if !users.insert(user) {
                fault(key, format!("{user} is used twice: a session has one connection at a time"));
            }
        }
    }
}
