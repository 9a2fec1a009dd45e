//! `rotunda flow`: recorded orders through the OUCH door.

mod player;
mod record;

use crate::cli::{FlowOptions, Speed};
use crate::endpoints::{self, Endpoints};
use crate::failure::Failure;
use crate::output;
use crate::progress;
use engine::decimal::Decimal;
use net::client::{Client, Credentials};
use player::{Counts, Player};
use record::{Record, Trade};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// `rotunda flow`.
pub(crate) fn run(options: &FlowOptions) -> Result<(), Failure> {
    let lot = Decimal::parse(&options.lot).ok().filter(|lot| lot.mantissa > 0);
    let lot =
        lot.ok_or_else(|| Failure::usage(format!("--lot {}: a decimal number above 0", options.lot)))?;
    let record = Record::read(&options.files, lot)?;
    let address = match options.ouch {
        Some(address) => address,
        None => Endpoints::read(&options.data)?.ouch,
    };
    let symbol = crate::symbol::padded(&options.symbol)
        .ok_or_else(|| Failure::usage(format!("--symbol {}: 1 to 8 ASCII characters", options.symbol)))?;
    let client = Client::connect(address, &Credentials::from_now(&options.session, &options.password))
        .map_err(|error| {
            Failure::new(format!(
                "OUCH at {address}, session {}: {error}{}",
                options.session,
                endpoints::remedy(&error)
            ))
        })?;

    let started = Instant::now();
    let (counts, trades) = play(client, symbol, &record, options.speed)?;
    let outcome = Outcome { counts, trades, lot, seconds: started.elapsed().as_secs_f64() };
    if let Some(path) = &options.out {
        outcome
            .write_trades(path)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    }
    if options.json {
        output::print_line(&outcome.to_json(&record))
    } else {
        output::print(&outcome.text(&record))
    }
}

fn play(
    client: Client,
    symbol: [u8; 8],
    record: &Record,
    speed: Speed,
) -> Result<(Counts, Vec<Trade>), player::FlowError> {
    let mut player = Player::new(client, symbol)?;
    let bar = progress::bar(record.orders.len() as u64, "rows");
    let started = Instant::now();
    let first_ms = record.orders.first().map_or(0, |row| row.time_ms);
    for row in &record.orders {
        if speed == Speed::Recorded {
            let due = Duration::from_millis(row.time_ms.saturating_sub(first_ms));
            player.idle(due.saturating_sub(started.elapsed()))?;
        }
        player.play(row, record)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    player.finish()
}

/// How many trades are in both lists, whatever their order.
fn in_both(trades: &[Trade], recorded: &[Trade]) -> usize {
    let mut left: BTreeMap<Trade, usize> = BTreeMap::new();
    for trade in recorded {
        *left.entry(*trade).or_default() += 1;
    }
    let found = trades.iter().filter(|trade| match left.get_mut(*trade) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    found.count()
}

/// What came of it.
struct Outcome {
    counts: Counts,
    trades: Vec<Trade>,
    lot: Decimal,
    seconds: f64,
}

impl Outcome {
    fn messages_per_second(&self) -> f64 {
        let Counts { orders, cancels, reductions, .. } = self.counts;
        (orders + cancels + reductions) as f64 / self.seconds.max(f64::MIN_POSITIVE)
    }

    fn to_json(&self, record: &Record) -> serde_json::Value {
        serde_json::json!({
            "rows": record.orders.len(),
            "orders": self.counts.orders,
            "cancels": self.counts.cancels,
            "reductions": self.counts.reductions,
            "skipped": self.counts.skipped,
            "rejected": self.counts.rejected,
            "post_only_cancels": self.counts.post_only_cancels,
            "trades": self.trades.len(),
            "trades_recorded": record.trades.len(),
            "trades_equal_to_recorded": in_both(&self.trades, &record.trades),
            "seconds": self.seconds,
        })
    }

    fn text(&self, record: &Record) -> String {
        let Counts { orders, cancels, reductions, skipped, rejected, post_only_cancels } = self.counts;
        let (rows, trades, recorded) = (record.orders.len(), self.trades.len(), record.trades.len());
        let equal = in_both(&self.trades, &record.trades);
        let (seconds, rate) = (self.seconds, self.messages_per_second());
        format!(
            "rows               {rows:>9}\n  \
               orders           {orders:>9}   of them cancelled as post-only: {post_only_cancels}\n  \
               cancels          {cancels:>9}\n  \
               reductions       {reductions:>9}\n  \
               skipped          {skipped:>9}   no price or quantity that an order may have\n\
             rejected           {rejected:>9}\n\
             trades             {trades:>9}\n  \
               as recorded      {equal:>9}   of {recorded} recorded\n\
             {seconds:.1} s, {rate:.0} messages a second\n"
        )
    }

    /// Writes the trades in the order of their numbers: JSON lines for `.jsonl`, else CSV.
    fn write_trades(&self, path: &Path) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        let json = path.extension().is_some_and(|extension| extension == "jsonl");
        if !json {
            writeln!(out, "buyer,seller,price,quantity")?;
        }
        for Trade { buyer, seller, price, lots } in &self.trades {
            let price = Decimal { mantissa: i128::from(*price), digits: 4 }.trimmed();
            let mantissa = i128::from(*lots) * self.lot.mantissa;
            let quantity = Decimal { mantissa, digits: self.lot.digits }.trimmed();
            if json {
                writeln!(
                    out,
                    r#"{{"buyer":{buyer},"seller":{seller},"price":"{price}","quantity":"{quantity}"}}"#
                )?;
            } else {
                writeln!(out, "{buyer},{seller},{price},{quantity}")?;
            }
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_trades_are_counted_once_each() {
        let trade = |buyer| Trade { buyer, seller: 2, price: 3, lots: 4 };
        assert_eq!(in_both(&[trade(1), trade(1), trade(5)], &[trade(1), trade(6)]), 1);
    }
}
