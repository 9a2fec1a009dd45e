//! Events that are shaped like those of a venue: several sessions, numbered reports, details, days.

use engine::command::CommandKind;
use engine::event::{
    DetailEvent, DetailFields, EventKind, EventRecord, Flags, Header, OrderFields, ReportEvent, SessionEvent,
    SettingEvent,
};
use engine::number::{
    AccountId, InstrumentId, MatchNumber, Money, OrderId, Price, Quantity, ReportNumber, Sequence, SessionId,
    Text, Timestamp, UserRef,
};
use engine::terms::Side;

pub(crate) const SESSIONS: u32 = 5;
const COMMANDS_A_DAY: u64 = 3_000;

pub(crate) struct Market {
    sequence: u64,
    ordinal: u32,
    next_report: [u32; SESSIONS as usize + 1],
    random: u64,
    events: Vec<EventRecord>,
}

/// The first `count` events. No detail is one of the tenth: cut at tens, reports keep their details.
pub(crate) fn events(count: usize) -> Vec<EventRecord> {
    let mut market = Market {
        sequence: 0,
        ordinal: 0,
        next_report: [1; SESSIONS as usize + 1],
        random: 7,
        events: Vec::new(),
    };
    while market.events.len() < count {
        market.command();
    }
    market.events.truncate(count);
    market.events
}

impl Market {
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn command(&mut self) {
        self.sequence += 1;
        self.ordinal = 0;
        if self.sequence.is_multiple_of(COMMANDS_A_DAY) {
            self.new_day();
            return;
        }
        for _ in 0..self.below(4) {
            let session = SessionId(1 + self.below(u64::from(SESSIONS)) as u32);
            let with_detail = self.below(3) == 0 && self.events.len() % 10 != 9;
            if with_detail {
                self.detail(session);
            }
            self.report(session, with_detail);
        }
    }

    fn header(&mut self, kind: EventKind, session: SessionId, numbered: bool) -> Header {
        let report = ReportNumber(if numbered { self.next_report[session.0 as usize] } else { 0 });
        self.next_report[session.0 as usize] += u32::from(numbered);
        self.ordinal += 1;
        Header {
            sequence: Sequence(self.sequence),
            time: Timestamp(1_800_000_000_000_000_000 + self.sequence * 1_000),
            kind,
            side: Side::Sell,
            reason: 0,
            flags: Flags::NONE,
            ordinal: self.ordinal - 1,
            session,
            report,
            instrument: InstrumentId(1),
            account: AccountId(session.0),
            order: OrderId(self.sequence),
        }
    }

    fn detail(&mut self, session: SessionId) {
        let header = self.header(EventKind::OrderDetail, session, false);
        let detail = DetailFields {
            client_id: Text::new(&format!("order {}", self.sequence)).expect("short"),
            list: 0,
            trigger: 0,
            expires: Timestamp(0),
            floor: Quantity(0),
            user_ref: UserRef(self.sequence as u32),
            list_role: 0,
            door: 1,
            reserved: [0; 10],
        };
        self.events.push(EventRecord::new(&DetailEvent { header, detail }));
    }

    fn report(&mut self, session: SessionId, with_detail: bool) {
        let mut header = self.header(EventKind::Executed, session, true);
        header.flags = if with_detail { Flags::DETAIL } else { Flags::NONE };
        let order = OrderFields {
            user_ref: UserRef(self.sequence as u32),
            price: Price(64_000 - self.below(100) as i64),
            quantity: Quantity(1 + self.below(1_000)),
            ..OrderFields::default()
        };
        self.events.push(EventRecord::new(&ReportEvent {
            header,
            order,
            match_number: MatchNumber(self.sequence),
            counterparty: OrderId(1),
            fee: Money(-3),
            executed: order.quantity,
        }));
    }

    fn new_day(&mut self) {
        for session in 1..=SESSIONS {
            self.session_day(SessionId(session), 0);
        }
        let header = self.header(EventKind::DayStarted, SessionId(0), false);
        self.events.push(EventRecord::new(&SettingEvent {
            header,
            cause: CommandKind::NewDay,
            setting: 0,
            filter: 0,
            reserved: 0,
            date: 20_261_124,
            value: 0,
            reserved_tail: [0; 8],
        }));
        self.next_report = [1; SESSIONS as usize + 1];
        for session in 1..=SESSIONS {
            self.session_day(SessionId(session), 1);
        }
    }

    fn session_day(&mut self, session: SessionId, begins: u8) {
        let header = self.header(EventKind::SessionDay, session, true);
        self.events.push(EventRecord::new(&SessionEvent {
            header,
            cause: CommandKind::NewDay,
            begins,
            cancel_on_disconnect: 0,
            reserved: 0,
            next_report: ReportNumber(0),
            last_user_ref: UserRef(0),
            date: 20_261_124,
            connection: 0,
            from_report: 0,
            day: Text::new("26112401").expect("short"),
            reserved_tail: [0; 38],
        }));
    }
}
