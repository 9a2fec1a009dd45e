//! The same load given to an echo server: commands of an order's size, answers by their count.

use super::link::Link;
use super::tally::Tally;
use super::{Counterpart, LoadError};
use crate::echo::{ANSWER_SIZE, REQUEST_SIZE};
use crate::workload::PlainCommand;
use std::collections::VecDeque;

/// Moments of the commands that each connection waits for, oldest first.
pub(super) struct EchoOrders {
    due_ns: Vec<VecDeque<u64>>,
}

impl EchoOrders {
    pub(super) fn new(sessions: usize) -> Self {
        Self { due_ns: vec![VecDeque::new(); sessions] }
    }
}

impl Counterpart for EchoOrders {
    fn say(&mut self, command: &PlainCommand, due_ns: u64, links: &mut [Link]) -> bool {
        let place = command.id as usize % links.len();
        links[place].unsent.extend_from_slice(&[0; REQUEST_SIZE]);
        self.due_ns[place].push_back(due_ns);
        true
    }

    fn hear(
        &mut self,
        session: usize,
        bytes: &[u8],
        now_ns: u64,
        tally: &mut Tally,
    ) -> Result<usize, LoadError> {
        let answers = bytes.len() / ANSWER_SIZE;
        for _ in 0..answers {
            let due_ns = self.due_ns[session].pop_front().ok_or(LoadError::Unasked { session })?;
            tally.accepted += 1;
            tally.answer(due_ns, now_ns);
        }
        Ok(answers * ANSWER_SIZE)
    }

    fn leftover(&mut self) -> Option<PlainCommand> {
        None
    }
}
