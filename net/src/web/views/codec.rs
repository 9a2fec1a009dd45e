//! Views as bytes, for a snapshot: fixed width, little-endian (`docs/formats.md`, "Web views").

use super::book::{Level, LevelBook};
use super::candles::{Candle, Candles, kept};
use super::interval::Interval;
use super::market::{Market, Terms};
use super::tape::{AGGREGATES_MAX, Aggregate, TRADES_MAX, Tape, Trade};
use super::{Currency, MarketViews};
use bytemuck::checked;
use engine::number::{
    CurrencyId, InstrumentId, MatchNumber, OrderId, Price, Quantity, Sequence, Text, Timestamp,
};
use engine::terms::{Phase, Side};
use journal::event_log::Address;
use std::collections::VecDeque;

/// First bytes: the format and its version.
const MAGIC: [u8; 8] = *b"RTWVIEW\x01";
const TRADE_BYTES: usize = 33;
const AGGREGATE_BYTES: usize = 49;
const CANDLE_BYTES: usize = 128;
const LEVEL_BYTES: usize = 20;
/// Highest number of a currency or an instrument that bytes may name: `u16` ids, and `locate` of ITCH.
const NUMBER_MAX: u32 = 65_535;

/// Why bytes are no views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewsError {
    /// They are of another format or version.
    Version,
    /// They end too early, or go on behind the end.
    Length,
    /// A field at this byte offset has a value that it cannot have.
    Value(usize),
}

impl std::fmt::Display for ViewsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version => f.write_str("web views: of another format or version")?,
            Self::Length => f.write_str("web views: shorter or longer than their counts say")?,
            Self::Value(offset) => write!(f, "web views: a value at byte {offset} that cannot be")?,
        }
        f.write_str("; leave this snapshot out and start from an older one, or from the whole journal")
    }
}

impl std::error::Error for ViewsError {}

impl MarketViews {
    /// Appends the bytes of the views.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        put_u64(out, self.last.sequence.0);
        put_u32(out, self.last.ordinal);
        put_u64(out, self.time.0);
        put_count(out, self.currencies.iter().flatten().count());
        for (index, currency) in (0u16..).zip(&self.currencies) {
            if let Some(currency) = currency {
                put_u16(out, index);
                put_text(out, &currency.name);
                out.push(currency.digits);
            }
        }
        put_count(out, self.markets().count());
        for market in self.markets() {
            market.encode(out);
        }
    }

    /// The views whose bytes these are, all of them.
    ///
    /// # Errors
    /// They are of another version, cut, or damaged. Nothing is reserved beyond what the bytes fill.
    pub fn decode(bytes: &[u8]) -> Result<Self, ViewsError> {
        let mut input = Input { bytes, at: 0 };
        if input.take(MAGIC.len())? != MAGIC {
            return Err(ViewsError::Version);
        }
        let mut views = Self::new();
        views.last = Address { sequence: Sequence(input.u64()?), ordinal: input.u32()? };
        views.time = Timestamp(input.u64()?);
        for _ in 0..input.count(19)? {
            let index = usize::from(input.u16()?);
            let currency = Currency { name: input.text()?, digits: input.u8()? };
            if views.currencies.len() <= index {
                views.currencies.resize(index + 1, None);
            }
            views.currencies[index] = Some(currency);
        }
        for _ in 0..input.count(4)? {
            let market = Market::decode(&mut input)?;
            let index = market.id.0 as usize;
            if views.markets.len() <= index {
                views.markets.resize_with(index + 1, || None);
            }
            views.symbols.insert(market.symbol.as_bytes().to_ascii_uppercase(), market.id);
            views.markets[index] = Some(market);
        }
        if input.at == bytes.len() { Ok(views) } else { Err(ViewsError::Length) }
    }
}

impl Market {
    fn encode(&self, out: &mut Vec<u8>) {
        let Self { id, symbol, phase, terms, book, tape, candles } = self;
        put_u32(out, id.0);
        put_text(out, symbol);
        out.push(*phase as u8);
        put_u64(out, terms.tick);
        put_u64(out, terms.lot);
        out.extend_from_slice(&[terms.tick_digits, terms.lot_digits, u8::from(terms.signed_prices)]);
        put_i64(out, terms.price_max.0);
        put_u64(out, terms.quantity_max.0);
        put_u16(out, terms.base.0);
        put_u16(out, terms.quote.0);
        put_u16(out, terms.revision);
        put_u64(out, book.change());
        for side in [Side::Buy, Side::Sell] {
            put_count(out, book.depth(side));
            for (price, level) in book.levels(side) {
                put_i64(out, price.0);
                put_u64(out, level.quantity.0);
                put_u32(out, level.orders);
            }
        }
        encode_tape(tape, out);
        for interval in Interval::all() {
            put_count(out, candles.of(interval).len());
            for candle in candles.of(interval) {
                encode_candle(candle, out);
            }
        }
    }

    fn decode(input: &mut Input<'_>) -> Result<Self, ViewsError> {
        let id = input.within(|input| Ok(InstrumentId(input.u32()?)), |id| id.0 <= NUMBER_MAX)?;
        let symbol = input.text()?;
        let phase = input.value::<Phase>()?;
        let (tick, lot) = (input.u64()?, input.u64()?);
        let digits = |input: &mut Input<'_>| input.within(Input::u8, |digits| *digits <= 18);
        let (tick_digits, lot_digits) = (digits(input)?, digits(input)?);
        let terms = Terms {
            tick,
            tick_digits,
            lot,
            lot_digits,
            signed_prices: input.within(Input::u8, |flag| *flag <= 1)? == 1,
            price_max: Price(input.i64()?),
            quantity_max: Quantity(input.u64()?),
            base: CurrencyId(input.u16()?),
            quote: CurrencyId(input.u16()?),
            revision: input.u16()?,
        };
        let change = input.u64()?;
        let mut book = LevelBook::default();
        for side in [Side::Buy, Side::Sell] {
            for _ in 0..input.count(LEVEL_BYTES)? {
                let price = Price(input.i64()?);
                let quantity = input.within(Input::u64, |quantity| *quantity > 0)?;
                book.set(side, price, Level { quantity: Quantity(quantity), orders: input.u32()? }, change);
            }
        }
        book.set_change(change);
        let tape = decode_tape(input)?;
        let mut candles = Candles::default();
        for interval in Interval::all() {
            let count = input.bounded(CANDLE_BYTES, kept(interval))?;
            candles.series[interval.index()] =
                (0..count).map(|_| decode_candle(input)).collect::<Result<_, _>>()?;
        }
        Ok(Self { id, symbol, phase, terms, book, tape, candles })
    }
}

fn encode_tape(tape: &Tape, out: &mut Vec<u8>) {
    put_count(out, tape.trades.len());
    for trade in &tape.trades {
        put_u64(out, trade.number.0);
        put_i64(out, trade.price.0);
        put_u64(out, trade.quantity.0);
        put_u64(out, trade.time.0);
        out.push(trade.taker as u8);
    }
    put_count(out, tape.aggregates.len());
    for aggregate in &tape.aggregates {
        encode_aggregate(aggregate, out);
    }
    put_u64(out, tape.aggregate_last);
    out.push(u8::from(tape.open.is_some()));
    if let Some((order, aggregate)) = &tape.open {
        put_u64(out, order.0);
        encode_aggregate(aggregate, out);
    }
}

fn decode_tape(input: &mut Input<'_>) -> Result<Tape, ViewsError> {
    let trade = |input: &mut Input<'_>| {
        Ok(Trade {
            number: MatchNumber(input.u64()?),
            price: Price(input.i64()?),
            quantity: Quantity(input.u64()?),
            time: Timestamp(input.u64()?),
            taker: input.value::<Side>()?,
        })
    };
    let count = input.bounded(TRADE_BYTES, TRADES_MAX)?;
    let trades = (0..count).map(|_| trade(input)).collect::<Result<VecDeque<_>, _>>()?;
    let count = input.bounded(AGGREGATE_BYTES, AGGREGATES_MAX)?;
    let aggregates = (0..count).map(|_| decode_aggregate(input)).collect::<Result<VecDeque<_>, _>>()?;
    let aggregate_last = input.u64()?;
    let open = match input.within(Input::u8, |flag| *flag <= 1)? {
        0 => None,
        _ => Some((OrderId(input.u64()?), decode_aggregate(input)?)),
    };
    Ok(Tape { trades, aggregates, aggregate_last, open })
}

fn encode_aggregate(aggregate: &Aggregate, out: &mut Vec<u8>) {
    put_u64(out, aggregate.number);
    put_u64(out, aggregate.first.0);
    put_u64(out, aggregate.last.0);
    put_i64(out, aggregate.price.0);
    put_u64(out, aggregate.quantity.0);
    put_u64(out, aggregate.time.0);
    out.push(aggregate.taker as u8);
}

fn decode_aggregate(input: &mut Input<'_>) -> Result<Aggregate, ViewsError> {
    Ok(Aggregate {
        number: input.u64()?,
        first: MatchNumber(input.u64()?),
        last: MatchNumber(input.u64()?),
        price: Price(input.i64()?),
        quantity: Quantity(input.u64()?),
        time: Timestamp(input.u64()?),
        taker: input.value::<Side>()?,
    })
}

fn encode_candle(candle: &Candle, out: &mut Vec<u8>) {
    put_u64(out, candle.open_ms);
    for price in [candle.open, candle.high, candle.low, candle.close] {
        put_i64(out, price.0);
    }
    out.extend_from_slice(&candle.volume.to_le_bytes());
    out.extend_from_slice(&candle.notional.to_le_bytes());
    out.extend_from_slice(&candle.bought_volume.to_le_bytes());
    out.extend_from_slice(&candle.bought_notional.to_le_bytes());
    put_u64(out, candle.count);
    put_u64(out, candle.first.0);
    put_u64(out, candle.last.0);
}

fn decode_candle(input: &mut Input<'_>) -> Result<Candle, ViewsError> {
    Ok(Candle {
        open_ms: input.u64()?,
        open: Price(input.i64()?),
        high: Price(input.i64()?),
        low: Price(input.i64()?),
        close: Price(input.i64()?),
        volume: u128::from_le_bytes(input.array()?),
        notional: i128::from_le_bytes(input.array()?),
        bought_volume: u128::from_le_bytes(input.array()?),
        bought_notional: i128::from_le_bytes(input.array()?),
        count: input.u64()?,
        first: MatchNumber(input.u64()?),
        last: MatchNumber(input.u64()?),
    })
}

fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_i64(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u32(out, u32::try_from(count).expect("every count is bounded far below 2^32"));
}

fn put_text(out: &mut Vec<u8>, text: &Text<16>) {
    out.extend_from_slice(bytemuck::bytes_of(text));
}

/// Bytes that are read from the front.
struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ViewsError> {
        let end = self.at.checked_add(length).ok_or(ViewsError::Length)?;
        let taken = self.bytes.get(self.at..end).ok_or(ViewsError::Length)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ViewsError> {
        self.take(N)?.try_into().map_err(|_| ViewsError::Length)
    }

    fn u8(&mut self) -> Result<u8, ViewsError> {
        Ok(self.array::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, ViewsError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, ViewsError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, ViewsError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Result<i64, ViewsError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<Text<16>, ViewsError> {
        let at = self.at;
        let bytes = self.take(16)?;
        let length = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        Text::from_ascii(&bytes[..length]).ok_or(ViewsError::Value(at))
    }

    /// An enum of one byte.
    fn value<T: bytemuck::CheckedBitPattern<Bits = u8>>(&mut self) -> Result<T, ViewsError> {
        let at = self.at;
        checked::try_cast::<u8, T>(self.u8()?).map_err(|_| ViewsError::Value(at))
    }

    fn within<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ViewsError>,
        is_valid: impl FnOnce(&T) -> bool,
    ) -> Result<T, ViewsError> {
        let at = self.at;
        let value = read(self)?;
        if is_valid(&value) { Ok(value) } else { Err(ViewsError::Value(at)) }
    }

    /// How many items of at least `size` bytes follow; more than the bytes hold are refused unseen.
    fn count(&mut self, size: usize) -> Result<usize, ViewsError> {
        let count = self.u32()? as usize;
        if count > (self.bytes.len() - self.at) / size { Err(ViewsError::Length) } else { Ok(count) }
    }

    fn bounded(&mut self, size: usize, max: usize) -> Result<usize, ViewsError> {
        let at = self.at;
        let count = self.count(size)?;
        if count > max { Err(ViewsError::Value(at)) } else { Ok(count) }
    }
}
