//! A line from an operator's socket: any bytes at all.

use crate::admin::orders::{Plan, plan};
use crate::admin::request::{
    AccountSettingName, Envelope, Filter, InstrumentSettingName, Listing, ModeName, Request, RoleName,
    SelfTradeName, SideName, Transfer,
};
use crate::admin::view::View;
use crate::fuzz::fuzz;

fn text(words: &str) -> String {
    words.to_owned()
}

fn requests() -> Vec<Request> {
    let filter = || Filter { session: Some(text("demo01")), side: Some(SideName::Buy), ..Filter::default() };
    let transfer = || Transfer { account: text("a"), currency: text("USD"), amount: text("12.50") };
    vec![
        Request::Status,
        Request::Orders(filter()),
        Request::AddCurrency { code: text("USD"), digits: 2 },
        Request::ListInstrument(Listing {
            symbol: text("RAIN"),
            base: text("BTC"),
            quote: text("USD"),
            tick: text("0.01"),
            lot: text("0.001"),
            price_max: text("400000"),
            quantity_max: text("1"),
            collar: 100,
            maker_fee: -5,
            taker_fee: 10,
        }),
        Request::SetInstrument {
            symbol: text("RAIN"),
            setting: InstrumentSettingName::Collar,
            value: i64::MIN,
        },
        Request::Halt { symbol: text("RAIN") },
        Request::AddAccount { name: text("a"), mode: ModeName::Ledger, owner_group: 0 },
        Request::SetAccount { account: text("a"), setting: AccountSettingName::Enabled, value: 1 },
        Request::Deposit(transfer()),
        Request::Withdraw(transfer()),
        Request::AddSession {
            name: text("s"),
            account: text("a"),
            role: RoleName::Trader,
            self_trade: SelfTradeName::Decrement,
            cancel_on_disconnect: true,
            rate: 1,
            cancel_rate: 2,
            burst: 3,
        },
        Request::Kill(Filter::default()),
        Request::Day { date: Some(20_261_124) },
    ]
}

#[test]
fn fuzz_admin_request() {
    let line = |request| {
        let envelope = Envelope { who: text("ann"), why: text("because"), request };
        serde_json::to_vec(&envelope).expect("a request is JSON")
    };
    fuzz("admin_request", requests().into_iter().map(line).collect(), |bytes| {
        let envelope: Envelope = match serde_json::from_slice(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return false;
            }
        };
        let written = serde_json::to_vec(&envelope).expect("a request is JSON");
        let again: Envelope = serde_json::from_slice(&written).expect("what is written is read");
        assert_eq!(format!("{envelope:?}"), format!("{again:?}"));
        match plan(&envelope, &View::default(), 20_261_124) {
            Ok(Plan::Question) => {}
            Ok(Plan::Commands { commands, .. }) => {
                assert_eq!(commands.len(), 2, "a note and what it is about");
                assert!(commands.iter().all(|command| command.view().is_ok()));
            }
            Err(told) => assert!(!told.message.is_empty() && told.message.len() < 10 * bytes.len() + 1_000),
        }
        true
    });
}
