//! Events in the short form of the rule tables.

use crate::language::Names;
use engine::command::{AccountSetting, InstrumentSetting, SessionSetting};
use engine::event::{
    AcceptedEvent, BalanceEvent, DetailEvent, Event, EventKind, EventRecord, Flags, Header, InstrumentEvent,
    NamedEvent, OrderFields, ReportEvent, SessionEvent, SettingEvent,
};
use engine::number::UserRef;
use engine::reason::{CancelReason, Reject};
use engine::terms::{OrderType, Side};

fn name(names: &[String], number: u32) -> &str {
    let at = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| names.get(at)).map_or("?", String::as_str)
}

fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

impl Names {
    /// One event, in words.
    pub(crate) fn short(&self, record: &EventRecord, with_reports: bool) -> String {
        let (header, mut line) = match record.view().expect("the engine emits whole events") {
            Event::Detail(event) => (event.header, self.detail(event)),
            Event::Accepted(event) => (event.header, self.accepted(event)),
            Event::Report(event) => (event.header, self.report(event)),
            Event::Session(event) => (event.header, self.session_event(event)),
            Event::SessionAdded(event) => {
                let account = name(&self.accounts, event.header.account.0);
                (event.header, format!("session {} of {account}", event.name))
            }
            Event::Instrument(event) => (event.header, self.instrument(event)),
            Event::Setting(event) => (event.header, self.setting(event)),
            Event::Named(event) => (event.header, named(event)),
            Event::Balance(event) => (event.header, self.balance(event)),
            Event::Note(event) => (event.header, format!("note {}: {}", event.who, event.why)),
            Event::Level(event) => {
                (event.header, format!("level{}", self.level(&event.header, &event.order)))
            }
        };
        if with_reports && header.report.0 != 0 {
            line.push_str(&format!(" (report {})", header.report));
        }
        line
    }

    fn reference(&self, header: &Header, number: UserRef) -> String {
        format!("{}:{number}", name(&self.sessions, header.session.0))
    }

    /// The level's new state, where the event changed it.
    fn level(&self, header: &Header, order: &OrderFields) -> String {
        let symbol = match header.instrument.0 {
            1 => String::new(),
            other => format!("{} ", name(&self.instruments, other)),
        };
        let ladder = if header.side == Side::Buy { "bid" } else { "ask" };
        if !header.flags.contains(Flags::LEVEL) {
            return String::new();
        }
        match order.level_orders {
            0 => format!(" | {symbol}{ladder} {}: gone", order.price),
            1 => format!(" | {symbol}{ladder} {}: {}", order.price, order.level_quantity),
            count => format!(" | {symbol}{ladder} {}: {} in {count}", order.price, order.level_quantity),
        }
    }

    fn detail(&self, event: &DetailEvent) -> String {
        let detail = &event.detail;
        let mut line = format!("detail {}", self.reference(&event.header, detail.user_ref));
        if !detail.client_id.as_bytes().is_empty() {
            line.push_str(&format!(" client {}", detail.client_id));
        }
        let terms = [
            ("list", detail.list.into()),
            ("trigger", detail.trigger.into()),
            ("until", detail.expires.0.into()),
            ("floor", i128::from(detail.floor.0)),
        ];
        for (term, value) in terms {
            if value != 0 {
                line.push_str(&format!(" {term} {value}"));
            }
        }
        line
    }

    fn accepted(&self, event: &AcceptedEvent) -> String {
        let (header, order) = (&event.header, &event.order);
        let reference = self.reference(header, order.user_ref);
        let what = match header.kind {
            EventKind::Replaced => {
                let gone = self.reference(header, event.replaced_ref);
                format!(
                    "replaced {gone} (#{}, {} shown) by {reference}",
                    event.replaced, event.replaced_quantity
                )
            }
            EventKind::Rested => format!("rested {reference}"),
            EventKind::Carried => format!("carried {reference}"),
            _ => format!("accepted {reference}"),
        };
        let market = if event.order_type == OrderType::Market { " market" } else { "" };
        let hidden = if header.flags.contains(Flags::HIDDEN) { " hidden" } else { "" };
        let level = self.level(header, order);
        format!(
            "{what} #{} {} {} @ {}{market}{hidden}{level}",
            header.order,
            side(header.side),
            order.quantity,
            order.price
        )
    }

    fn report(&self, event: &ReportEvent) -> String {
        let (header, order) = (&event.header, &event.order);
        let reference = self.reference(header, order.user_ref);
        let level = self.level(header, order);
        let modify = if header.flags.contains(Flags::AS_MODIFY) { " (as modify)" } else { "" };
        match header.kind {
            EventKind::Rejected => format!("rejected {reference} {:?}", header.reject()),
            EventKind::NotResting if header.reject() == Reject::NotResting => {
                format!("not resting {reference}")
            }
            EventKind::NotResting => format!("refused {reference} {:?}", header.reject()),
            EventKind::QueryAnswer => format!("next number {reference}"),
            EventKind::Cancelled => {
                format!(
                    "cancelled {reference} {} {:?}{modify}{level}",
                    order.quantity,
                    header.cancel_reason()
                )
            }
            EventKind::Reduced => {
                format!("reduced {reference} by {}, {} left{modify}{level}", order.quantity, order.remaining)
            }
            EventKind::Prevented => {
                assert_eq!(header.cancel_reason(), CancelReason::SelfTrade);
                format!(
                    "prevented {reference} {} of {} with #{}, {} left{level}",
                    order.quantity, event.fee, event.counterparty, order.remaining
                )
            }
            EventKind::Executed => {
                let role = if header.flags.contains(Flags::TAKER) { "taker" } else { "maker" };
                let own = if header.flags.contains(Flags::SELF_TRADE) { " own" } else { "" };
                let fee = if event.fee.0 == 0 { String::new() } else { format!(" fee {}", event.fee) };
                format!(
                    "trade {} {role} {reference} {} {} @ {}, {} left{fee}{own}{level}",
                    event.match_number,
                    side(header.side),
                    order.quantity,
                    order.price,
                    order.remaining
                )
            }
            other => format!("{other:?} {reference}"),
        }
    }

    fn session_event(&self, event: &SessionEvent) -> String {
        let session = name(&self.sessions, event.header.session.0);
        if event.header.kind == EventKind::SessionDay {
            let what = if event.begins == 1 { "begins" } else { "ends" };
            return format!("day {} of {session} {what}", event.day);
        }
        if event.header.reject() != Reject::None {
            return format!("refused {session} {:?}", event.header.reject());
        }
        let from =
            if event.from_report == 0 { String::new() } else { format!(" from {}", event.from_report) };
        format!(
            "{:?} {session} connection {} next report {} last number {}{from}",
            event.cause, event.connection, event.next_report, event.last_user_ref
        )
    }

    fn instrument(&self, event: &InstrumentEvent) -> String {
        format!(
            "instrument {} {:?} unit {} lot {} revision {} highest {} largest {} fees {} {}",
            event.symbol,
            event.phase,
            event.unit,
            event.lot_units,
            event.revision,
            event.price_max,
            event.quantity_max,
            event.maker_fee,
            event.taker_fee
        )
    }

    fn setting(&self, event: &SettingEvent) -> String {
        let header = &event.header;
        match header.kind {
            EventKind::DayStarted => format!("day {} started", event.date),
            EventKind::MassCancelled => format!("mass cancelled {}", event.value),
            EventKind::RulesSet => format!("rules {}", event.value),
            EventKind::OperatorRejected => format!("refused {:?} {:?}", event.cause, header.reject()),
            _ => {
                let (whose, setting) = self.setting_name(event);
                format!("set {whose} {setting} {}", event.value)
            }
        }
    }

    fn setting_name(&self, event: &SettingEvent) -> (&str, String) {
        let header = &event.header;
        let byte = [event.setting];
        if header.session.0 != 0 {
            let setting = bytemuck::checked::try_from_bytes::<SessionSetting>(&byte);
            (name(&self.sessions, header.session.0), format!("{:?}", setting.expect("a setting")))
        } else if header.account.0 != 0 {
            let setting = bytemuck::checked::try_from_bytes::<AccountSetting>(&byte);
            (name(&self.accounts, header.account.0), format!("{:?}", setting.expect("a setting")))
        } else {
            let setting = bytemuck::checked::try_from_bytes::<InstrumentSetting>(&byte);
            (name(&self.instruments, header.instrument.0), format!("{:?}", setting.expect("a setting")))
        }
    }

    fn balance(&self, event: &BalanceEvent) -> String {
        let account = name(&self.accounts, event.header.account.0);
        let account = if event.header.account.0 == 0 { "venue" } else { account };
        let currency = name(&self.currencies, event.currency.0.into());
        format!(
            "balance {account} {currency} {:+}: {} available, {} reserved",
            event.change.0, event.available, event.reserved
        )
    }
}

fn named(event: &NamedEvent) -> String {
    match event.header.kind {
        EventKind::CurrencyAdded => format!("currency {} {}", event.name, event.digits),
        _ => format!("account {} {:?} group {}", event.name, event.mode, event.owner_group),
    }
}

/// Whether an event refuses: what is given in a table must not be refused.
pub(crate) fn refuses(record: &EventRecord) -> bool {
    let refusals = [EventKind::Rejected, EventKind::OperatorRejected, EventKind::NotResting];
    refusals.iter().any(|kind| *kind as u8 == record.kind())
}
