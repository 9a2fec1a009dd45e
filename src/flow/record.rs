//! Recorded orders and trades, as CSV files of the columns that `ob-analytics` uses.

use engine::decimal::Decimal;
use engine::terms::Side;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Prices in OUCH have this many decimals.
const WIRE_PRICE_DIGITS: u8 = 4;
/// The highest price that ITCH carries, in ten-thousandths.
const WIRE_PRICE_MAX: i128 = u32::MAX as i128;

/// What happened to a recorded order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Created,
    Changed,
    Deleted,
}

/// One row about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OrderRow {
    pub(super) id: u64,
    /// When it was recorded, in milliseconds since 1970.
    pub(super) time_ms: u64,
    /// Ten-thousandths; `None` where the record gives no price that can be a limit: 0, or above what
    /// the doors carry.
    pub(super) price: Option<u64>,
    /// Lots; `None` where the record gives none that can be entered: 0, or above 32 bits.
    pub(super) lots: Option<u32>,
    pub(super) action: Action,
    pub(super) side: Side,
}

/// A trade: who bought from whom, at what price (ten-thousandths), how many lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trade {
    pub(super) buyer: u64,
    pub(super) seller: u64,
    pub(super) price: u64,
    pub(super) lots: u32,
}

/// All that was recorded.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// In the order of the file.
    pub(super) orders: Vec<OrderRow>,
    /// In the order of the file.
    pub(super) trades: Vec<Trade>,
    /// Orders that the trades name as incoming.
    pub(super) aggressors: BTreeSet<u64>,
}

/// A file is no record.
#[derive(Debug)]
pub(super) enum RecordError {
    Unreadable { path: PathBuf, error: std::io::Error },
    Compressed { path: PathBuf },
    Columns { path: PathBuf },
    Row { path: PathBuf, line: usize, column: &'static str, text: String },
    Missing { what: &'static str },
}

impl std::fmt::Display for RecordError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "cannot read {}: {error}", path.display()),
            Self::Compressed { path } => {
                write!(f, "{} is compressed: unpack it first (gunzip -k)", path.display())
            }
            Self::Columns { path } => write!(
                f,
                "{}: its first line names neither the columns of orders ({}) nor those of trades ({})",
                path.display(),
                ORDER_COLUMNS.join(","),
                TRADE_COLUMNS.join(",")
            ),
            Self::Row { path, line, column, text } => {
                write!(f, "{}:{line}: column {column}: {text:?} is no such value", path.display())
            }
            Self::Missing { what } => write!(f, "none of the files holds {what}: name both files"),
        }
    }
}

impl std::error::Error for RecordError {}

const ORDER_COLUMNS: [&str; 6] = ["id", "timestamp", "price", "volume", "action", "direction"];
const TRADE_COLUMNS: [&str; 5] = ["price", "amount", "buy_order_id", "sell_order_id", "side"];

impl Record {
    /// Reads the files, each told apart by its columns. `lot` is the size of a lot.
    pub(super) fn read(paths: &[PathBuf], lot: Decimal) -> Result<Self, RecordError> {
        let mut record = Self::default();
        for path in paths {
            let bytes =
                std::fs::read(path).map_err(|error| RecordError::Unreadable { path: path.clone(), error })?;
            if bytes.starts_with(&[0x1F, 0x8B]) {
                return Err(RecordError::Compressed { path: path.clone() });
            }
            record.add(path, &String::from_utf8_lossy(&bytes), lot)?;
        }
        if record.orders.is_empty() {
            return Err(RecordError::Missing { what: "orders" });
        }
        if record.trades.is_empty() {
            return Err(RecordError::Missing { what: "trades, which tell the incoming orders" });
        }
        Ok(record)
    }

    fn add(&mut self, path: &Path, text: &str, lot: Decimal) -> Result<(), RecordError> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').map(str::trim).collect();
        let rows =
            lines.enumerate().map(|(index, line)| (index + 2, line)).filter(|(_, line)| !line.is_empty());
        if let Some(columns) = places(&header, ORDER_COLUMNS) {
            for (line, text) in rows {
                self.orders.push(order(Row::new(path, line, text), &columns, lot)?);
            }
        } else if let Some(columns) = places(&header, TRADE_COLUMNS) {
            for (line, text) in rows {
                let (trade, aggressor) = trade(Row::new(path, line, text), &columns, lot)?;
                self.trades.push(trade);
                self.aggressors.insert(aggressor);
            }
        } else {
            return Err(RecordError::Columns { path: path.to_owned() });
        }
        Ok(())
    }
}

/// Where the columns stand; `None` if one is missing.
fn places<const N: usize>(header: &[&str], names: [&'static str; N]) -> Option<[(&'static str, usize); N]> {
    let mut places = [("", 0); N];
    for (place, name) in places.iter_mut().zip(names) {
        *place = (name, header.iter().position(|column| *column == name)?);
    }
    Some(places)
}

/// A line and where it stands, for complaints.
struct Row<'a> {
    path: &'a Path,
    line: usize,
    fields: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn new(path: &'a Path, line: usize, text: &'a str) -> Self {
        Self { path, line, fields: text.split(',').map(str::trim).collect() }
    }

    fn read<T>(
        &self,
        (column, place): (&'static str, usize),
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, RecordError> {
        let text = self.fields.get(place).copied().unwrap_or_default();
        parse(text).ok_or_else(|| RecordError::Row {
            path: self.path.to_owned(),
            line: self.line,
            column,
            text: text.to_owned(),
        })
    }
}

fn order(row: Row<'_>, columns: &[(&'static str, usize); 6], lot: Decimal) -> Result<OrderRow, RecordError> {
    let [id, time, price, volume, action, direction] = *columns;
    let price: i128 = row.read(price, wire_price)?;
    let lots = row.read(volume, |text| lots(text, lot))?;
    Ok(OrderRow {
        id: row.read(id, |text| text.parse().ok())?,
        time_ms: row.read(time, |text| text.parse().ok())?,
        price: u64::try_from(price).ok().filter(|_| (1..=WIRE_PRICE_MAX).contains(&price)),
        lots: u32::try_from(lots).ok().filter(|&lots| lots > 0),
        action: row.read(action, |text| match text {
            "created" => Some(Action::Created),
            "changed" => Some(Action::Changed),
            "deleted" => Some(Action::Deleted),
            _ => None,
        })?,
        side: row.read(direction, |text| match text {
            "bid" => Some(Side::Buy),
            "ask" => Some(Side::Sell),
            _ => None,
        })?,
    })
}

/// The trade, and which of its orders came in.
fn trade(
    row: Row<'_>,
    columns: &[(&'static str, usize); 5],
    lot: Decimal,
) -> Result<(Trade, u64), RecordError> {
    let [price, amount, buyer, seller, side] = *columns;
    let trade = Trade {
        buyer: row.read(buyer, |text| text.parse().ok())?,
        seller: row.read(seller, |text| text.parse().ok())?,
        price: row.read(price, |text| u64::try_from(wire_price(text)?).ok())?,
        lots: row.read(amount, |text| u32::try_from(lots(text, lot)?).ok())?,
    };
    let aggressor = row.read(side, |text| match text {
        "buy" => Some(trade.buyer),
        "sell" => Some(trade.seller),
        _ => None,
    })?;
    Ok((trade, aggressor))
}

fn wire_price(text: &str) -> Option<i128> {
    decimal(text)?.in_steps(1, WIRE_PRICE_DIGITS).ok()
}

fn lots(text: &str, lot: Decimal) -> Option<i128> {
    decimal(text)?.in_steps(u64::try_from(lot.mantissa).ok()?, lot.digits).ok()
}

/// Recorders write small numbers with an exponent (`7.18e-06`), which no door here takes.
fn decimal(text: &str) -> Option<Decimal> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let Decimal { mantissa, digits } = Decimal::parse(number).ok()?;
    let digits = i32::from(digits).checked_sub(exponent.parse().ok()?)?;
    Some(match u8::try_from(digits) {
        Ok(digits) => Decimal { mantissa, digits },
        Err(_) => {
            let scale = 10i128.checked_pow(digits.checked_neg()?.try_into().ok()?)?;
            Decimal { mantissa: mantissa.checked_mul(scale)?, digits: 0 }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOT: Decimal = Decimal { mantissa: 1, digits: 8 };

    fn read(text: &str) -> Result<Record, RecordError> {
        let mut record = Record::default();
        record.add(Path::new("a.csv"), text, LOT)?;
        Ok(record)
    }

    #[test]
    fn orders_are_read_in_wire_units() {
        let text = "id,timestamp,exchange_timestamp,price,volume,action,direction\n\
                    7,1000,999,78318.0,0.00030644,created,bid\n\
                    8,1001,999,0.0,43,created,ask\n";
        let record = read(text).expect("a record");
        let first = OrderRow {
            id: 7,
            time_ms: 1000,
            price: Some(783_180_000),
            lots: Some(30_644),
            action: Action::Created,
            side: Side::Buy,
        };
        assert_eq!(record.orders[0], first);
        assert_eq!((record.orders[1].price, record.orders[1].lots), (None, None));
    }

    #[test]
    fn exponents_are_read() {
        let read = |text| lots(text, LOT);
        assert_eq!(read("7.18e-06"), Some(718));
        assert_eq!(read("4E3"), Some(400_000_000_000));
        assert_eq!(read("-1e+0"), Some(-100_000_000));
        for text in ["1e", "e1", "1e99", "1e-300", "1e-9", "1e2147483648"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn trades_name_the_incoming_order() {
        let text =
            "price,amount,buy_order_id,sell_order_id,side\n78319.0,0.121,1,2,buy\n78319,0.5,3,4,sell\n";
        let record = read(text).expect("a record");
        assert_eq!(record.trades[0], Trade { buyer: 1, seller: 2, price: 783_190_000, lots: 12_100_000 });
        assert_eq!(record.aggressors, BTreeSet::from([1, 4]));
    }

    #[test]
    fn complaints_name_file_line_and_column() {
        let text = "id,timestamp,price,volume,action,direction\n1,2,3,4,created,bid\n1,2,x,4,created,bid\n";
        let complaint = read(text).expect_err("wrong").to_string();
        assert_eq!(complaint, "a.csv:3: column price: \"x\" is no such value");
        assert!(read("a,b\n").expect_err("wrong").to_string().contains("buy_order_id"));
    }

    #[test]
    fn fuzz_flow_files() {
        let orders =
            "id,timestamp,price,volume,action,direction\n1,2,3,4,created,bid\n2,3,1e2,7.18e-06,deleted,ask\n";
        let trades =
            "price,amount,buy_order_id,sell_order_id,side\n78319.0,0.121,1,2,buy\n78319,0.5,3,4,sell\n";
        let examples = [orders, trades].map(|text| text.as_bytes().to_vec()).to_vec();
        crate::fuzz::fuzz("flow_files", examples, |bytes| {
            let mut record = Record::default();
            let text = String::from_utf8_lossy(bytes);
            let outcome = record.add(Path::new("a.csv"), &text, LOT);
            assert!(record.orders.len() + record.trades.len() <= text.lines().count());
            assert!(record.aggressors.len() <= record.trades.len());
            for row in &record.orders {
                assert!(row.price != Some(0) && row.lots != Some(0), "{row:?}");
                assert!(row.price.is_none_or(|price| i128::from(price) <= WIRE_PRICE_MAX));
            }
            if let Err(error) = &outcome {
                assert!(error.to_string().contains("a.csv"));
            }
            outcome.is_ok()
        });
    }
}
