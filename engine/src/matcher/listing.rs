//! Instruments are listed, changed, halted.

use super::Engine;
use super::day::setting;
use super::emit::Emitter;
use super::operator::{check_number, lowest, refuse, same_name};
use crate::book::Book;
use crate::command::{CommandKind, InstrumentSetting, ListCommand, OperatorCommand};
use crate::event::{EventKind, EventSink, Header, InstrumentEvent, SettingEvent};
use crate::instruments::{Instrument, Listing};
use crate::number::{InstrumentId, Money, Price, Quantity, Text};
use crate::reason::Reject;
use crate::terms::{Matching, Phase};

/// Most instruments, whatever the configuration says: an order names its instrument by 16 bits.
const INSTRUMENTS_MAX: usize = u16::MAX as usize;

/// Phases that this version carries out.
const fn is_supported(phase: Phase) -> bool {
    match phase {
        Phase::Continuous | Phase::Closed | Phase::Halted | Phase::Suspended | Phase::Delisted => true,
        Phase::PreOpen | Phase::OpeningAuction | Phase::VolatilityAuction | Phase::ClosingAuction => false,
    }
}

impl Engine {
    /// ListInstrument.
    #[inline(never)]
    pub(super) fn list<S: EventSink>(&mut self, command: &ListCommand, out: &mut Emitter<'_, S>) {
        let mut listing = described(command);
        if let Some(reject) = self.check_listing(command, &mut listing) {
            let header = Header { instrument: command.instrument, ..out.header(EventKind::OperatorRejected) };
            return refuse(header, CommandKind::ListInstrument, 0, (reject, 0), out);
        }
        let book = Book::new(listing.price_max, listing.signed_prices);
        self.instruments.push(Instrument { book, listing });
        self.find_ordinary();
        let place = self.instruments.len() - 1;
        self.tell_instrument(place, CommandKind::ListInstrument, out);
        for (number, value) in [
            (InstrumentSetting::ValueMax, listing.value_max),
            (InstrumentSetting::Collar, listing.collar),
            (InstrumentSetting::StaticBand, listing.static_band),
            (InstrumentSetting::DynamicBand, listing.dynamic_band),
            (InstrumentSetting::Reference, listing.reference),
        ] {
            if value != 0 {
                let header = Header { instrument: command.instrument, ..out.header(EventKind::Setting) };
                let event = setting(header, CommandKind::ListInstrument);
                out.event(&SettingEvent { setting: number as u8, value, ..event });
            }
        }
    }

    fn check_listing(&self, command: &ListCommand, listing: &mut Listing) -> Option<Reject> {
        let count = self.instruments.len();
        let number = check_number(command.instrument.0 as usize, count);
        let taken = self.instruments.iter().any(|other| {
            other.listing.phase != Phase::Delisted && same_name(&other.listing.symbol, &listing.symbol)
        });
        let currency = |number: u16| self.currencies.get(usize::from(number).wrapping_sub(1));
        let currencies = (currency(listing.base.0), currency(listing.quote.0));
        let scales = match currencies {
            (Some(base), Some(quote)) => listing.scale(base, quote),
            _ => false,
        };
        let unsupported = listing.matching != Matching::PriceTime || !is_supported(listing.phase);
        let full = count >= (self.limits.instruments as usize).min(INSTRUMENTS_MAX);
        lowest([
            (unsupported, Reject::Unsupported),
            (number != Reject::None, number),
            (taken, Reject::Exists),
            (currencies.0.is_none() || currencies.1.is_none(), Reject::Unknown),
            (!scales, Reject::Scale),
            (command.signed_prices > 1 || !listing.is_sound(), Reject::Value),
            (listing.symbol == Text::EMPTY || listing.base == listing.quote, Reject::Value),
            (listing.phase == Phase::Delisted, Reject::Value),
            (full, Reject::Limit),
        ])
    }

    /// SetInstrument.
    pub(super) fn set_instrument<S: EventSink>(
        &mut self,
        command: &OperatorCommand,
        out: &mut Emitter<'_, S>,
    ) {
        let Ok(which) = bytemuck::checked::try_cast::<u8, InstrumentSetting>(command.setting) else {
            return Self::unsupported(command, out);
        };
        let place = (command.instrument.0 as usize).wrapping_sub(1);
        let Some(instrument) = self.instruments.get(place) else {
            return Self::refuse(command, Reject::Unknown, out);
        };
        let mut listing = instrument.listing;
        let sound = change(&mut listing, which, command.value) && listing.is_sound();
        let rescales = matches!(which, InstrumentSetting::Tick | InstrumentSetting::Lot);
        let (base, quote) = (listing.base.0 as usize - 1, listing.quote.0 as usize - 1);
        let scales = listing.scale(&self.currencies[base], &self.currencies[quote]);
        let has_room = instrument.book.can_deepen(&self.pool, listing.price_max, listing.signed_prices);
        let reject = lowest([
            (listing.phase == Phase::Delisted, Reject::Unknown),
            (!scales, Reject::Scale),
            (!sound, Reject::Value),
            (!has_room, Reject::Limit),
            (rescales && !instrument.book.is_empty(), Reject::BookNotEmpty),
        ]);
        if let Some(reject) = reject {
            return Self::refuse(command, reject, out);
        }
        if rescales {
            listing.revision = listing.revision.wrapping_add(1).max(1);
        }
        let instrument = &mut self.instruments[place];
        instrument.listing = listing;
        instrument.book.deepen(&mut self.pool, listing.price_max, listing.signed_prices);
        let header = Header { instrument: command.instrument, ..out.header(EventKind::Setting) };
        Self::tell_setting(command, header, out);
        match which {
            InstrumentSetting::ValueMax
            | InstrumentSetting::Collar
            | InstrumentSetting::StaticBand
            | InstrumentSetting::DynamicBand
            | InstrumentSetting::Reference => {}
            InstrumentSetting::QuantityMax
            | InstrumentSetting::PriceMax
            | InstrumentSetting::MakerFee
            | InstrumentSetting::TakerFee
            | InstrumentSetting::Tick
            | InstrumentSetting::Lot => self.tell_instrument(place, command.kind, out),
        }
    }

    /// SetPhase.
    pub(super) fn set_phase<S: EventSink>(&mut self, command: &OperatorCommand, out: &mut Emitter<'_, S>) {
        let place = (command.instrument.0 as usize).wrapping_sub(1);
        let instrument = self.instruments.get_mut(place);
        let known = instrument.as_ref().is_some_and(|one| one.listing.phase != Phase::Delisted);
        let empty = instrument.as_ref().is_none_or(|one| one.book.is_empty());
        let reject = lowest([
            (!is_supported(command.phase), Reject::Unsupported),
            (!known, Reject::Unknown),
            (command.phase == Phase::Delisted && !empty, Reject::BookNotEmpty),
        ]);
        match (reject, instrument) {
            (None, Some(instrument)) => {
                instrument.listing.phase = command.phase;
                self.tell_instrument(place, command.kind, out);
            }
            (reject, _) => Self::refuse(command, reject.unwrap_or(Reject::Unknown), out),
        }
    }

    /// Instrument.
    pub(super) fn tell_instrument<S: EventSink>(
        &self,
        place: usize,
        cause: CommandKind,
        out: &mut Emitter<'_, S>,
    ) {
        let listing = &self.instruments[place].listing;
        let instrument = InstrumentId(place as u32 + 1);
        let header = Header { instrument, ..out.header(EventKind::Instrument) };
        out.event(&InstrumentEvent {
            header,
            symbol: listing.symbol,
            tick: listing.tick,
            lot: listing.lot,
            price_max: Price(listing.price_max),
            quantity_max: Quantity(listing.quantity_max),
            unit: Money(listing.unit),
            base: listing.base,
            quote: listing.quote,
            tick_digits: listing.tick_digits,
            lot_digits: listing.lot_digits,
            phase: listing.phase,
            matching: listing.matching,
            maker_fee: listing.maker_fee,
            taker_fee: listing.taker_fee,
            revision: listing.revision,
            cause,
            signed_prices: u8::from(listing.signed_prices),
            lot_units: listing.lot_units,
        });
    }
}

/// What the command says. Numbers that do not fit become -1, which no setting takes.
fn described(command: &ListCommand) -> Listing {
    let fit = |value: u64| i64::try_from(value).unwrap_or(-1);
    Listing {
        symbol: command.symbol,
        tick: command.tick,
        lot: command.lot,
        price_max: command.price_max.0,
        quantity_max: command.quantity_max.0,
        value_max: command.value_max.0,
        collar: fit(command.collar),
        static_band: fit(command.static_band),
        dynamic_band: fit(command.dynamic_band),
        reference: command.reference.0,
        unit: 0,
        lot_units: 0,
        maker_fee: command.maker_fee,
        taker_fee: command.taker_fee,
        base: command.base,
        quote: command.quote,
        revision: 1,
        tick_digits: command.tick_digits,
        lot_digits: command.lot_digits,
        phase: command.phase,
        matching: command.matching,
        signed_prices: command.signed_prices == 1,
        ordinary_max: 0,
        bounded: false,
    }
}

/// Puts a new value into a listing; `false` where it does not fit there.
fn change(listing: &mut Listing, which: InstrumentSetting, value: i64) -> bool {
    let (count, fee) = (u64::try_from(value), i32::try_from(value));
    match which {
        InstrumentSetting::QuantityMax => return count.map(|count| listing.quantity_max = count).is_ok(),
        InstrumentSetting::Tick => return count.map(|count| listing.tick = count).is_ok(),
        InstrumentSetting::Lot => return count.map(|count| listing.lot = count).is_ok(),
        InstrumentSetting::MakerFee => return fee.map(|fee| listing.maker_fee = fee).is_ok(),
        InstrumentSetting::TakerFee => return fee.map(|fee| listing.taker_fee = fee).is_ok(),
        InstrumentSetting::PriceMax => listing.price_max = value,
        InstrumentSetting::ValueMax => listing.value_max = value,
        InstrumentSetting::Collar => listing.collar = value,
        InstrumentSetting::StaticBand => listing.static_band = value,
        InstrumentSetting::DynamicBand => listing.dynamic_band = value,
        InstrumentSetting::Reference => listing.reference = value,
    }
    true
}
