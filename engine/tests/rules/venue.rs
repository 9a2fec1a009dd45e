//! Where the cases run: the engine, and the twin beside it.

#[path = "../twin/model/mod.rs"]
mod model;

use crate::language::Names;
use engine::command::CommandSlot;
use engine::event::EventRecord;
use engine::limits::Limits;
use engine::matcher::Engine;
use engine::number::{InstrumentId, Sequence};
use engine::terms::Side;
use model::Twin;

pub(crate) struct Venue {
    engine: Engine,
    twin: Twin,
    sequence: Sequence,
}

impl Venue {
    /// A venue with these limits, each like `orders 3`.
    pub(crate) fn new<'a>(limits: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Limits {
            live_orders: 1000,
            level_blocks: 1000,
            instruments: 10,
            accounts: 10,
            sessions: 10,
            currencies: 10,
        };
        for limit in limits {
            let (what, count) = limit.split_once(' ').expect("`limit orders 3`");
            let count: u32 = count.parse().expect("a number");
            match what {
                "orders" => all.live_orders = count,
                "instruments" => all.instruments = count,
                "accounts" => all.accounts = count,
                "sessions" => all.sessions = count,
                "currencies" => all.currencies = u16::try_from(count).expect("few"),
                other => panic!("{other}: no limit"),
            }
        }
        Self { engine: Engine::new(&all), twin: Twin::new(all), sequence: Sequence(0) }
    }

    pub(crate) fn apply(&mut self, command: &CommandSlot) -> Vec<EventRecord> {
        self.sequence = self.sequence.next();
        let mut said = Vec::new();
        self.engine.apply(self.sequence, command, &mut said);
        let expected = self.twin.apply(self.sequence, command);
        for (expected, said) in expected.iter().zip(&said) {
            assert_eq!(format!("{:?}", said.view()), format!("{:?}", expected.view()), "the twin disagrees");
        }
        assert_eq!(said.len(), expected.len(), "the twin says more or less");
        said
    }

    /// The resting orders in priority, bids first.
    pub(crate) fn book(&self, names: &Names, number: u32) -> Vec<String> {
        let book = self.engine.book(InstrumentId(number)).expect("it is listed");
        let mut lines = Vec::new();
        for (side, ladder) in [(Side::Buy, "bid"), (Side::Sell, "ask")] {
            for order in book.levels(side).flat_map(|level| book.orders(side, level.price)) {
                let session = &names.sessions[order.session.0 as usize - 1];
                let hidden = if order.displayed.0 == 0 { " hidden" } else { "" };
                lines.push(format!(
                    "{ladder} {}: {session}:{} {}{hidden}",
                    order.price, order.user_ref, order.open
                ));
            }
        }
        lines
    }

    /// What accounts hold, the venue's own first.
    pub(crate) fn balances(&self, names: &Names) -> Vec<String> {
        let line = |balance: engine::view::BalanceView| {
            let account = balance.account.0 as usize;
            let account = if account == 0 { "venue" } else { &names.accounts[account - 1] };
            let currency = &names.currencies[usize::from(balance.currency.0) - 1];
            format!("{account} {currency}: {} available, {} reserved", balance.available, balance.reserved)
        };
        self.engine.balances().map(line).collect()
    }
}
