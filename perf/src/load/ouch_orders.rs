//! The flow as OUCH: who sends which command, and which answer belongs to it.
//!
//! Order n of the flow belongs to session n modulo their number and has a dense user number there, so
//! that its cancel goes out by the same session and an answer leads back to n without a map.

use super::link::Link;
use super::tally::Tally;
use super::{Counterpart, LoadError};
use crate::workload::{Kind, PlainCommand};
use net::ouch::inbound::{CancelOrder, EnterOrder};
use net::ouch::outbound::{self, Outbound};
use net::soup::{self, Packet};

/// OUCH prices have four decimals; the instruments of the load have a tick of 1.
const PRICE_SCALE: u64 = 10_000;
/// No command of this kind is under way.
const NONE: u64 = u64::MAX;

#[derive(Clone, Copy)]
struct Order {
    enter_due_ns: u64,
    cancel_due_ns: u64,
    /// Lots that may still be in the book, as far as the client knows.
    open: u32,
}

/// All orders of a run, by their number in the flow.
pub(super) struct OuchOrders {
    orders: Vec<Order>,
    symbols: Vec<[u8; 8]>,
    /// The user number of each session's first order.
    first_refs: Vec<u32>,
    /// Where the search for orders that are still open has come to.
    swept: usize,
}

impl OuchOrders {
    pub(super) fn new(symbols: &[[u8; 8]], first_refs: Vec<u32>, ids_max: u32) -> Self {
        let blank = Order { enter_due_ns: NONE, cancel_due_ns: NONE, open: 0 };
        Self { orders: vec![blank; ids_max as usize + 1], symbols: symbols.to_vec(), first_refs, swept: 0 }
    }

    fn session(&self, id: u32) -> usize {
        id as usize % self.first_refs.len()
    }

    fn user_ref(&self, id: u32) -> u32 {
        self.first_refs[self.session(id)] + id / self.first_refs.len() as u32
    }

    fn order(&mut self, session: usize, user_ref: u32) -> Result<&mut Order, LoadError> {
        let sessions = self.first_refs.len() as u32;
        let turn = user_ref.checked_sub(self.first_refs[session]);
        let id = turn.and_then(|turn| turn.checked_mul(sessions)?.checked_add(session as u32));
        let order = id.and_then(|id| self.orders.get_mut(id as usize));
        order.ok_or(LoadError::Unasked { session })
    }

    fn enter(&self, command: &PlainCommand) -> EnterOrder {
        EnterOrder {
            user_ref: self.user_ref(command.id),
            side: if command.side == 0 { b'B' } else { b'S' },
            quantity: command.quantity,
            symbol: self.symbols[usize::from(command.instrument)],
            price: command.price as u64 * PRICE_SCALE,
            time_in_force: if command.kind == Kind::Take { b'3' } else { b'0' },
            display: b'Y',
            capacity: b'P',
            intermarket_sweep: b'N',
            cross_type: b'N',
            client_order_id: [b' '; 14],
        }
    }

    fn message(
        &mut self,
        session: usize,
        message: &Outbound<'_>,
        now_ns: u64,
        tally: &mut Tally,
    ) -> Result<(), LoadError> {
        match message {
            Outbound::Accepted(accepted, _) => {
                let order = self.order(session, accepted.user_ref)?;
                let due_ns = std::mem::replace(&mut order.enter_due_ns, NONE);
                tally.accepted += 1;
                answer(due_ns, now_ns, session, tally)?;
            }
            Outbound::Rejected(rejected) => {
                let order = self.order(session, rejected.user_ref)?;
                order.open = 0;
                let due_ns = std::mem::replace(&mut order.enter_due_ns, NONE);
                let cancel_due_ns = std::mem::replace(&mut order.cancel_due_ns, NONE);
                tally.rejected += 1;
                answer(due_ns, now_ns, session, tally)?;
                if cancel_due_ns != NONE {
                    overtaken(tally);
                }
            }
            Outbound::Cancelled(cancelled) => {
                let order = self.order(session, cancelled.user_ref)?;
                order.open = order.open.saturating_sub(cancelled.quantity);
                let due_ns = std::mem::replace(&mut order.cancel_due_ns, NONE);
                if due_ns != NONE {
                    tally.cancelled += 1;
                    answer(due_ns, now_ns, session, tally)?;
                }
            }
            Outbound::Executed(executed, _) => {
                let order = self.order(session, executed.user_ref)?;
                order.open = order.open.saturating_sub(executed.quantity);
                tally.executions += 1;
                if order.open == 0 && std::mem::replace(&mut order.cancel_due_ns, NONE) != NONE {
                    overtaken(tally);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn answer(due_ns: u64, now_ns: u64, session: usize, tally: &mut Tally) -> Result<(), LoadError> {
    if due_ns == NONE {
        return Err(LoadError::Unasked { session });
    }
    tally.answer(due_ns, now_ns);
    Ok(())
}

/// A cancel will get no answer of its own: its order had ended before it came.
fn overtaken(tally: &mut Tally) {
    tally.overtaken += 1;
    tally.unanswered -= 1;
    tally.answered += 1;
}

impl Counterpart for OuchOrders {
    fn say(&mut self, command: &PlainCommand, due_ns: u64, links: &mut [Link]) -> bool {
        let link = &mut links[self.session(command.id)];
        match command.kind {
            Kind::Add | Kind::Take => {
                let message = self.enter(command);
                soup::frame(&mut link.unsent, b'U', |out| message.encode_with(&[], out));
                let order = &mut self.orders[command.id as usize];
                *order = Order { enter_due_ns: due_ns, cancel_due_ns: NONE, open: command.quantity };
                true
            }
            Kind::Cancel => {
                let user_ref = self.user_ref(command.id);
                let order = &mut self.orders[command.id as usize];
                // With several sessions the book may differ from the generator's: what is gone is gone.
                if order.open == 0 || order.cancel_due_ns != NONE {
                    return false;
                }
                order.cancel_due_ns = due_ns;
                let message = CancelOrder { user_ref, quantity: 0 };
                soup::frame(&mut link.unsent, b'U', |out| message.encode(out));
                true
            }
        }
    }

    fn hear(
        &mut self,
        session: usize,
        bytes: &[u8],
        now_ns: u64,
        tally: &mut Tally,
    ) -> Result<usize, LoadError> {
        let mut taken = 0;
        while let Some((packet, size)) = soup::decode(&bytes[taken..]).map_err(LoadError::Soup)? {
            taken += size;
            match packet {
                Packet::Sequenced(message) => {
                    let message = outbound::decode(message).map_err(LoadError::Ouch)?;
                    self.message(session, &message, now_ns, tally)?;
                }
                Packet::ServerHeartbeat => {}
                Packet::Debug(text) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    return Err(LoadError::Refused { session, text });
                }
                _ => return Err(LoadError::Unasked { session }),
            }
        }
        Ok(taken)
    }

    fn leftover(&mut self) -> Option<PlainCommand> {
        while let Some(order) = self.orders.get(self.swept) {
            let id = self.swept as u32;
            self.swept += 1;
            if order.open > 0 && order.cancel_due_ns == NONE {
                let kind = Kind::Cancel;
                return Some(PlainCommand { id, price: 0, quantity: 0, instrument: 0, side: 0, kind });
            }
        }
        None
    }
}
