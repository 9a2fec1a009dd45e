//! Streams and their readers: each update is encoded once and handed to all of them.
//!
//! Trades are told one by one; those of one turn go out as one piece of bytes. Levels, tickers and candles
//! are told as they are at the moment of telling: a reader that is slow gets fewer of them, never wrong ones.

use super::diffs::Diffs;
use super::frame;
use super::limits::{STREAMS_TOTAL_MAX, TICKS_PER_SECOND};
use super::streams::{Pace, StreamKey, Topic};
use super::updates;
use super::views::{Candle, Change, Interval, Market, MarketViews};
use engine::number::{InstrumentId, Price, Quantity};
use std::collections::BTreeMap;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Framed updates that many connections hold.
pub(crate) type Shared = Arc<[u8]>;

/// Who takes updates for connections.
pub(crate) trait Outlet {
    /// Takes bytes for a connection. `false`: it is behind, and what can be made up for was not taken.
    fn offer(&mut self, connection: usize, bytes: &Shared, can_wait: bool) -> bool;
    /// The connection is too far behind to be made up for.
    fn cut(&mut self, connection: usize);
}

/// What a reader has not got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    Nothing,
    /// The present state.
    Latest,
    /// All depth updates from this number on.
    Since(u64),
}

#[derive(Debug)]
struct Reader {
    connection: usize,
    is_combined: bool,
    owed: Owed,
}

/// What a stream last told, to see whether there is anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    /// Change number, last trade.
    State(u64, u64),
    Touch([(Price, Quantity); 2]),
    Candle(Candle),
}

#[derive(Debug)]
struct Stream {
    key: StreamKey,
    name: String,
    readers: Vec<Reader>,
    /// Readers whose updates come with the stream's name.
    combined: usize,
    /// Readers that are owed something.
    owing: usize,
    /// Updates not handed out: plain, and with the stream's name.
    batch: [Vec<u8>; 2],
    told: Told,
    diffs: Option<Diffs>,
}

impl Stream {
    /// Frames `payload` for those who read it.
    fn append(&mut self, payload: &str) {
        if self.combined < self.readers.len() {
            frame::text(&mut self.batch[0], &[payload]);
        }
        if self.combined > 0 {
            frame::text(&mut self.batch[1], &["{\"stream\":\"", &self.name, "\",\"data\":", payload, "}"]);
        }
    }

    /// Hands the batch to every reader that is owed nothing.
    fn hand_out(&mut self, outlet: &mut impl Outlet) {
        let can_wait = !matches!(self.key.topic, Topic::Trade | Topic::Aggregate);
        let forms = self.batch.each_mut().map(|batch| {
            let shared = (!batch.is_empty()).then(|| Shared::from(batch.as_slice()));
            batch.clear();
            shared
        });
        let number = self.diffs.as_ref().map(|diffs| diffs.next() - 1);
        for reader in &mut self.readers {
            let Some(bytes) = &forms[usize::from(reader.is_combined)] else { continue };
            if reader.owed == Owed::Nothing && !outlet.offer(reader.connection, bytes, can_wait) {
                reader.owed = number.map_or(Owed::Latest, Owed::Since);
                self.owing += 1;
            }
        }
    }
}

/// The streams of one market that trades and levels go to at once.
#[derive(Clone, Copy, Debug, Default)]
struct Direct {
    trade: Option<usize>,
    aggregate: Option<usize>,
    book_ticker: Option<usize>,
    diffs: [Option<usize>; 2],
    /// Waits in `touched`.
    is_touched: bool,
}

/// All streams that have readers.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    streams: Vec<Option<Stream>>,
    free: Vec<usize>,
    by_key: BTreeMap<StreamKey, usize>,
    direct: Vec<Direct>,
    /// Markets with a book ticker whose levels changed in this turn.
    touched: Vec<InstrumentId>,
    /// Streams with a batch.
    batched: Vec<usize>,
    ticks: u64,
    readers: usize,
    scratch: String,
}

impl Hub {
    /// Subscriptions of all connections.
    pub(crate) const fn readers(&self) -> usize {
        self.readers
    }

    /// Adds a reader; `false` where there are too many streams already.
    pub(crate) fn subscribe(
        &mut self,
        views: &MarketViews,
        key: StreamKey,
        connection: usize,
        is_combined: bool,
    ) -> bool {
        let Some(index) = self.find_or_make(views, key) else { return false };
        let Some(stream) = &mut self.streams[index] else { return false };
        let begins_with_state =
            !matches!(key.topic, Topic::Trade | Topic::Aggregate | Topic::Diff(_)) && key.market.is_some();
        let owed = if begins_with_state { Owed::Latest } else { Owed::Nothing };
        stream.readers.push(Reader { connection, is_combined, owed });
        stream.combined += usize::from(is_combined);
        stream.owing += usize::from(begins_with_state);
        self.readers += 1;
        true
    }

    /// Takes a reader away; the stream too with its last one.
    pub(crate) fn unsubscribe(&mut self, key: StreamKey, connection: usize) {
        let Some(&index) = self.by_key.get(&key) else { return };
        let Some(stream) = &mut self.streams[index] else { return };
        let Some(at) = stream.readers.iter().position(|reader| reader.connection == connection) else {
            return;
        };
        let gone = stream.readers.swap_remove(at);
        stream.combined -= usize::from(gone.is_combined);
        stream.owing -= usize::from(gone.owed != Owed::Nothing);
        self.readers -= 1;
        if stream.readers.is_empty() {
            self.by_key.remove(&key);
            self.streams[index] = None;
            self.free.push(index);
            self.batched.retain(|&batched| batched != index);
            if let Some(place) = direct(&mut self.direct, key) {
                *place = None;
            }
        }
    }

    fn find_or_make(&mut self, views: &MarketViews, key: StreamKey) -> Option<usize> {
        if let Some(&index) = self.by_key.get(&key) {
            return Some(index);
        }
        if self.by_key.len() >= STREAMS_TOTAL_MAX {
            return None;
        }
        let market = key.market.and_then(|id| views.market(id));
        let diffs =
            matches!(key.topic, Topic::Diff(_)).then(|| market.map_or(0, |market| market.book.change()));
        let stream = Stream {
            key,
            name: key.name(views),
            readers: Vec::new(),
            combined: 0,
            owing: 0,
            batch: [Vec::new(), Vec::new()],
            told: Told::Nothing,
            diffs: diffs.map(Diffs::new),
        };
        let index = self.free.pop().unwrap_or(self.streams.len());
        if index == self.streams.len() {
            self.streams.push(None);
        }
        self.streams[index] = Some(stream);
        self.by_key.insert(key, index);
        if let Some(place) = direct(&mut self.direct, key) {
            *place = Some(index);
        }
        Some(index)
    }

    /// Tells or notes what an event changed, which `views` has learned already.
    #[inline]
    pub(crate) fn learn(&mut self, views: &MarketViews, change: &Change, now_ms: u64) {
        if self.readers == 0 {
            return;
        }
        let Some(direct) = self.direct.get_mut(change.instrument.0 as usize) else { return };
        let Some(market) = views.market(change.instrument) else { return };
        if let Some((side, price)) = change.level {
            for index in direct.diffs.into_iter().flatten() {
                if let Some(diffs) = self.streams[index].as_mut().and_then(|stream| stream.diffs.as_mut()) {
                    diffs.note(side, price);
                }
            }
            if direct.book_ticker.is_some() && !direct.is_touched {
                direct.is_touched = true;
                self.touched.push(change.instrument);
            }
        }
        let Direct { trade, aggregate, .. } = *direct;
        if let (Some(index), Some(trade)) = (trade, change.trade) {
            self.append(index, |out| updates::trade(out, market, &trade, now_ms));
        }
        if let Some(index) = aggregate {
            for aggregate in change.aggregates.iter().flatten() {
                self.append(index, |out| updates::aggregate(out, market, aggregate, now_ms));
            }
        }
    }

    /// Hands out what the turn's events said: trades and best prices.
    pub(crate) fn end_turn(&mut self, views: &MarketViews, outlet: &mut impl Outlet) {
        while let Some(id) = self.touched.pop() {
            let direct = &mut self.direct[id.0 as usize];
            direct.is_touched = false;
            let (Some(index), Some(market)) = (direct.book_ticker, views.market(id)) else { continue };
            let touch = Told::Touch(updates::touch(&market.book));
            if let Some(stream) = &mut self.streams[index]
                && stream.told != touch
            {
                stream.told = touch;
                self.append(index, |out| updates::book_ticker(out, market));
            }
        }
        while let Some(index) = self.batched.pop() {
            if let Some(stream) = &mut self.streams[index] {
                stream.hand_out(outlet);
            }
        }
    }

    /// Hands out what goes by time, and what readers are owed. Call every 100 ms.
    pub(crate) fn tick(&mut self, views: &MarketViews, now_ms: u64, outlet: &mut impl Outlet) {
        self.ticks += 1;
        let is_second = self.ticks.is_multiple_of(TICKS_PER_SECOND);
        for slot in 0..self.streams.len() {
            let Some(stream) = &mut self.streams[slot] else { continue };
            let is_due = is_second || !is_slow(stream.key.topic);
            if is_due {
                self.scratch.clear();
                tell(stream, views, now_ms, &mut self.scratch);
                if stream.batch.iter().any(|batch| !batch.is_empty()) {
                    stream.hand_out(outlet);
                }
            }
            // A depth update that makes up for others ends where a shared one ended, so that the next follows.
            if stream.owing > 0 && (is_due || stream.diffs.is_none()) {
                self.scratch.clear();
                settle(stream, views, now_ms, &mut self.scratch, outlet);
            }
        }
        self.batched.clear();
    }

    fn append(&mut self, index: usize, encode: impl FnOnce(&mut String)) {
        let Some(stream) = &mut self.streams[index] else { return };
        self.scratch.clear();
        encode(&mut self.scratch);
        if stream.batch.iter().all(Vec::is_empty) {
            self.batched.push(index);
        }
        stream.append(&self.scratch);
    }
}

/// The place of a stream that events go to at once.
fn direct(table: &mut Vec<Direct>, key: StreamKey) -> Option<&mut Option<usize>> {
    let index = key.market?.0 as usize;
    if table.len() <= index {
        table.resize(index + 1, Direct::default());
    }
    let direct = &mut table[index];
    match key.topic {
        Topic::Trade => Some(&mut direct.trade),
        Topic::Aggregate => Some(&mut direct.aggregate),
        Topic::BookTicker => Some(&mut direct.book_ticker),
        Topic::Diff(Pace::Fast) => Some(&mut direct.diffs[0]),
        Topic::Diff(Pace::Slow) => Some(&mut direct.diffs[1]),
        Topic::Partial(..) | Topic::Kline(_) | Topic::Ticker | Topic::MiniTicker => None,
    }
}

const fn is_slow(topic: Topic) -> bool {
    matches!(
        topic,
        Topic::Diff(Pace::Slow) | Topic::Partial(_, Pace::Slow) | Topic::Ticker | Topic::MiniTicker
    )
}

/// Appends what is new in a stream that goes by time.
fn tell(stream: &mut Stream, views: &MarketViews, now_ms: u64, scratch: &mut String) {
    let Some(id) = stream.key.market else {
        tell_all(stream, views, now_ms, scratch);
        return;
    };
    let Some(market) = views.market(id) else { return };
    match stream.key.topic {
        Topic::Diff(_) => {
            let Some(diffs) = &mut stream.diffs else { return };
            let Some((first, changed)) = diffs.tick(market.book.change()) else { return };
            updates::diff(scratch, market, first, changed, now_ms);
        }
        Topic::Kline(interval) => {
            tell_candle(stream, market, interval, now_ms, scratch);
            return;
        }
        Topic::Partial(..) | Topic::Ticker | Topic::MiniTicker => {
            let present = state(market);
            if stream.told == present {
                return;
            }
            stream.told = present;
            encode(stream.key.topic, market, now_ms, scratch);
        }
        Topic::Trade | Topic::Aggregate | Topic::BookTicker => return,
    }
    stream.append(scratch);
}

/// The end of a candle is told once, then the next one begins.
fn tell_candle(stream: &mut Stream, market: &Market, interval: Interval, now_ms: u64, scratch: &mut String) {
    let Some(present) = market.candles.at(interval, now_ms) else { return };
    if let Told::Candle(told) = stream.told
        && told.open_ms < present.open_ms
        && let Some(ended) = market.candles.at(interval, told.open_ms)
    {
        updates::kline(scratch, market, interval, &ended, true, now_ms);
        stream.append(scratch);
        scratch.clear();
    }
    if stream.told != Told::Candle(present) {
        stream.told = Told::Candle(present);
        updates::kline(scratch, market, interval, &present, false, now_ms);
        stream.append(scratch);
    }
}

/// The tickers of all markets in which something happened.
fn tell_all(stream: &mut Stream, views: &MarketViews, now_ms: u64, scratch: &mut String) {
    // What was told is the log's place: markets whose last trade is after it are new.
    let since = if let Told::State(_, trade) = stream.told { trade } else { 0 };
    let last = |market: &Market| market.tape.trades().next_back().map_or(0, |trade| trade.number.0);
    let newest = views.markets().map(last).max().unwrap_or(0);
    if newest <= since {
        return;
    }
    stream.told = Told::State(0, newest);
    let fresh = views.markets().filter(|market| last(market) > since);
    super::json::array(scratch, fresh, |out, market| encode(stream.key.topic, market, now_ms, out));
    stream.append(scratch);
}

fn state(market: &Market) -> Told {
    let trade = market.tape.trades().next_back().map_or(0, |trade| trade.number.0);
    Told::State(market.book.change(), trade)
}

/// The present state of a stream that begins with it.
fn encode(topic: Topic, market: &Market, now_ms: u64, out: &mut String) {
    match topic {
        Topic::Partial(levels, _) => updates::partial(out, market, levels.into()),
        Topic::Ticker => updates::ticker(out, market, now_ms),
        Topic::MiniTicker => updates::mini_ticker(out, market, now_ms),
        Topic::BookTicker => updates::book_ticker(out, market),
        Topic::Kline(interval) => {
            if let Some(candle) = market.candles.at(interval, now_ms) {
                updates::kline(out, market, interval, &candle, false, now_ms);
            }
        }
        Topic::Trade | Topic::Aggregate | Topic::Diff(_) => {}
    }
}

/// Gives readers what they are owed, if they take it; those who missed the same share its bytes.
fn settle(
    stream: &mut Stream,
    views: &MarketViews,
    now_ms: u64,
    scratch: &mut String,
    outlet: &mut impl Outlet,
) {
    let Some(market) = stream.key.market.and_then(|id| views.market(id)) else { return };
    let mut made: Vec<(Owed, Option<[Shared; 2]>)> = Vec::new();
    let mut readers = std::mem::take(&mut stream.readers);
    for reader in readers.iter_mut().filter(|reader| reader.owed != Owed::Nothing) {
        let known = made.iter().position(|(owed, _)| *owed == reader.owed);
        let at = known.unwrap_or_else(|| {
            made.push((reader.owed, make_up(stream, reader.owed, market, now_ms, scratch)));
            made.len() - 1
        });
        let is_settled = match &made[at].1 {
            None if stream.diffs.is_some() => {
                outlet.cut(reader.connection);
                false
            }
            None => true,
            Some(forms) => outlet.offer(reader.connection, &forms[usize::from(reader.is_combined)], true),
        };
        if is_settled {
            reader.owed = Owed::Nothing;
            stream.owing -= 1;
        }
    }
    stream.readers = readers;
}

/// One update for all that was missed, in both forms; `None` where there is nothing to tell, or no way to.
fn make_up(
    stream: &Stream,
    owed: Owed,
    market: &Market,
    now_ms: u64,
    scratch: &mut String,
) -> Option<[Shared; 2]> {
    scratch.clear();
    match (owed, &stream.diffs) {
        (Owed::Since(since), Some(diffs)) => {
            let (first, changed) = diffs.merged(since)?;
            updates::diff(scratch, market, first, &changed, now_ms);
        }
        _ => encode(stream.key.topic, market, now_ms, scratch),
    }
    if scratch.is_empty() {
        return None;
    }
    let framed = |parts: &[&str]| {
        let mut bytes = Vec::with_capacity(scratch.len() + 64);
        frame::text(&mut bytes, parts);
        Shared::from(bytes)
    };
    Some([framed(&[scratch]), framed(&["{\"stream\":\"", &stream.name, "\",\"data\":", scratch, "}"])])
}
