//! Events to ITCH messages. Which messages an event yields, and so their numbers, depend on nothing but
//! the events before it: every node, and every reader of the log, counts the same.

use super::{
    AddOrder, BrokenTrade, Message, OrderCancel, OrderDelete, OrderExecuted, OrderExecutedWithPrice,
    OrderReplace, StockDirectory, SystemEvent, Trade, TradingAction,
};
use crate::directory::{Directory, Scale};
use crate::wire::Nanoseconds48;
use engine::command::CommandKind;
use engine::event::{
    AcceptedEvent, Event, EventKind, EventRecord, Flags, Header, InstrumentEvent, OrderFields, ReportEvent,
    SettingEvent,
};
use engine::number::{Price, Quantity, Text};
use engine::terms::{Phase, Side};

/// Counts the messages of a day. Numbers start at 1 with each DayStarted; what comes before the first
/// one is the day `00000001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedDay {
    /// Name of the day: the SoupBinTCP session.
    pub name: Text<10>,
    /// The number that the next message will have.
    pub next: u64,
}

impl FeedDay {
    /// Before the first event, as `directory` (which knows none yet) tells.
    #[must_use]
    pub fn new(directory: &Directory) -> Self {
        Self { name: directory.day(), next: 1 }
    }

    /// Tells `take` the number and content of each message of `record`, which `directory` has learned
    /// already.
    pub fn apply(
        &mut self,
        record: &EventRecord,
        directory: &Directory,
        mut take: impl FnMut(u64, &Message),
    ) {
        let Ok(event) = record.view() else { return };
        if starts_day(&event) {
            *self = Self::new(directory);
        }
        messages(&event, directory, |message| {
            take(self.next, message);
            self.next += 1;
        });
    }
}

/// Whether a new day of the feed begins with the messages of `event`.
#[inline]
pub(crate) const fn starts_day(event: &Event<'_>) -> bool {
    matches!(event, Event::Setting(SettingEvent { header: Header { kind: EventKind::DayStarted, .. }, .. }))
}

/// Tells `take` the messages of `event`, at most two.
#[inline]
pub(crate) fn messages(event: &Event<'_>, directory: &Directory, mut take: impl FnMut(&Message)) {
    match event {
        Event::Accepted(event) => {
            if let Some(message) = accepted(event, directory) {
                take(&message);
            }
        }
        Event::Report(event) => {
            if let Some(message) = report(event, directory) {
                take(&message);
            }
        }
        Event::Instrument(event) => instrument(event, directory, take),
        Event::Setting(event) if event.header.kind == EventKind::DayStarted => {
            let timestamp = Nanoseconds48(event.header.time.since_midnight_ns());
            take(&Message::SystemEvent(SystemEvent { locate: 0, tracking: 0, timestamp, event: b'O' }));
        }
        Event::Setting(_)
        | Event::Detail(_)
        | Event::Session(_)
        | Event::SessionAdded(_)
        | Event::Named(_)
        | Event::Balance(_)
        | Event::Note(_)
        | Event::Level(_) => {}
    }
}

/// What each message about an order needs to know of its instrument.
struct Place {
    locate: u16,
    timestamp: Nanoseconds48,
    stock: [u8; 8],
    scale: Scale,
}

#[inline]
fn place(header: &Header, directory: &Directory) -> Option<Place> {
    let instrument = directory.instrument(header.instrument)?;
    let scale = instrument.scale_at(header.sequence);
    let timestamp = Nanoseconds48(header.time.since_midnight_ns());
    let place = Place { locate: instrument.locate(), timestamp, stock: instrument.symbol, scale };
    scale.is_carried().then_some(place)
}

impl Place {
    /// Fits: an instrument is carried only if its highest price does.
    fn price(&self, price: Price) -> u32 {
        u32::try_from(self.scale.to_wire(price)).unwrap_or(u32::MAX)
    }

    fn add(&self, header: &Header, order: &OrderFields) -> Message {
        Message::AddOrder(AddOrder {
            locate: self.locate,
            tracking: 0,
            timestamp: self.timestamp,
            order_reference: header.order.0,
            side: side(header.side),
            shares: lots(order.quantity),
            stock: self.stock,
            price: self.price(order.price),
        })
    }

    fn delete(&self, order_reference: u64) -> Message {
        let Self { locate, timestamp, .. } = *self;
        Message::OrderDelete(OrderDelete { locate, tracking: 0, timestamp, order_reference })
    }
}

#[inline]
fn accepted(event: &AcceptedEvent, directory: &Directory) -> Option<Message> {
    let AcceptedEvent { header, order, .. } = event;
    let shown = header.flags.contains(Flags::LEVEL);
    let carried = header.kind == EventKind::Carried && !header.flags.contains(Flags::HIDDEN);
    let replaced = header.kind == EventKind::Replaced && event.replaced_quantity.0 != 0;
    if !(shown || carried || replaced) {
        return None;
    }
    let place = place(header, directory)?;
    Some(match (replaced, shown) {
        (false, _) => place.add(header, order),
        (true, false) => place.delete(event.replaced.0),
        (true, true) => Message::OrderReplace(OrderReplace {
            locate: place.locate,
            tracking: 0,
            timestamp: place.timestamp,
            original_reference: event.replaced.0,
            order_reference: header.order.0,
            shares: lots(order.quantity),
            price: place.price(order.price),
        }),
    })
}

#[inline]
fn report(event: &ReportEvent, directory: &Directory) -> Option<Message> {
    let ReportEvent { header, order, .. } = event;
    let shown = header.flags.contains(Flags::LEVEL);
    match header.kind {
        EventKind::Executed if shown => executed(event, &place(header, directory)?),
        EventKind::Executed
            if header.flags.contains(Flags::HIDDEN) && !header.flags.contains(Flags::TAKER) =>
        {
            hidden_trade(event, &place(header, directory)?)
        }
        EventKind::Reduced | EventKind::Cancelled | EventKind::Prevented if shown => {
            let place = place(header, directory)?;
            if header.flags.contains(Flags::FINAL) {
                return Some(place.delete(header.order.0));
            }
            Some(Message::OrderCancel(OrderCancel {
                locate: place.locate,
                tracking: 0,
                timestamp: place.timestamp,
                order_reference: header.order.0,
                shares: lots(order.quantity),
            }))
        }
        EventKind::Restated if shown => Some(place(header, directory)?.add(header, order)),
        EventKind::Broken if header.side == Side::Buy => {
            let place = place(header, directory)?;
            Some(Message::BrokenTrade(BrokenTrade {
                locate: place.locate,
                tracking: 0,
                timestamp: place.timestamp,
                match_number: event.match_number.0,
            }))
        }
        _ => None,
    }
}

fn executed(event: &ReportEvent, place: &Place) -> Option<Message> {
    let ReportEvent { header, order, .. } = event;
    let (locate, timestamp, order_reference) = (place.locate, place.timestamp, header.order.0);
    let (shares, match_number) = (lots(order.quantity), event.match_number.0);
    // Only an auction trades an order at another price than its own.
    if header.flags.contains(Flags::AUCTION) {
        let price = place.price(order.price);
        return Some(Message::OrderExecutedWithPrice(OrderExecutedWithPrice {
            locate,
            tracking: 0,
            timestamp,
            order_reference,
            shares,
            match_number,
            printable: b'Y',
            price,
        }));
    }
    Some(Message::OrderExecuted(OrderExecuted {
        locate,
        tracking: 0,
        timestamp,
        order_reference,
        shares,
        match_number,
    }))
}

fn hidden_trade(event: &ReportEvent, place: &Place) -> Option<Message> {
    let ReportEvent { header, order, .. } = event;
    Some(Message::Trade(Trade {
        locate: place.locate,
        tracking: 0,
        timestamp: place.timestamp,
        order_reference: 0,
        side: side(header.side),
        shares: lots(order.quantity),
        stock: place.stock,
        price: place.price(order.price),
        match_number: event.match_number.0,
    }))
}

fn instrument(event: &InstrumentEvent, directory: &Directory, mut take: impl FnMut(&Message)) {
    let Some(place) = place(&event.header, directory) else { return };
    let Place { locate, timestamp, stock, .. } = place;
    // A change of phase, be it by the kill switch, tells nothing new of the instrument itself.
    if !matches!(event.cause, CommandKind::SetPhase | CommandKind::Kill) {
        take(&Message::StockDirectory(StockDirectory {
            locate,
            tracking: 0,
            timestamp,
            stock,
            market_category: b' ',
            financial_status: b' ',
            round_lot_size: 1,
            round_lots_only: b'N',
            issue_classification: b'Q',
            issue_subtype: *b"Z ",
            authenticity: b'P',
            short_sale_threshold: b' ',
            ipo: b' ',
            price_tier: b' ',
            etp: b' ',
            etp_leverage: 0,
            inverse: b'N',
        }));
    }
    let (state, reserved, reason) = (trading_state(event.phase), b' ', [b' '; 4]);
    take(&Message::TradingAction(TradingAction {
        locate,
        tracking: 0,
        timestamp,
        stock,
        state,
        reserved,
        reason,
    }));
}

const fn trading_state(phase: Phase) -> u8 {
    match phase {
        Phase::Continuous => b'T',
        Phase::PreOpen | Phase::OpeningAuction | Phase::ClosingAuction => b'Q',
        Phase::VolatilityAuction => b'P',
        Phase::Closed | Phase::Halted | Phase::Suspended | Phase::Delisted => b'H',
    }
}

const fn side(side: Side) -> u8 {
    match side {
        Side::Buy => b'B',
        Side::Sell => b'S',
    }
}

/// Fits: an instrument is carried only if its largest quantity does.
fn lots(quantity: Quantity) -> u32 {
    u32::try_from(quantity.0).unwrap_or(u32::MAX)
}
