//! Upkeep: heartbeats, silence, log-ins that do not come, connections that linger. A bounded number of
//! connections is looked at in each poll, so that ten thousand idle ones cost the others no pause.

use super::Doors;
use super::connection::{Gone, Stage};
use crate::limits::{LINGER_NS, MINUTE_NS, UPKEEP_ACTIONS_PER_POLL, UPKEEP_PER_POLL, UPKEEP_ROUND_NS};
use crate::soup::Packet;
use engine::command::CommandKind;
use std::time::Duration;

/// Where upkeep is on its round.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    /// The place that is looked at next.
    next: usize,
    /// All that was due by then was looked at.
    done_ns: u64,
    /// The next heartbeat may go out then.
    heartbeat_ns: u64,
}

impl Doors {
    /// Looks at the connections that are due. Tells how many had something to be done.
    pub(super) fn keep_up(&mut self) -> usize {
        let places = self.connections.len();
        let elapsed_ns = self.now.0.saturating_sub(self.upkeep.done_ns).min(UPKEEP_ROUND_NS);
        let due = (places as u64 * elapsed_ns / UPKEEP_ROUND_NS) as usize;
        if due == 0 {
            return 0;
        }
        self.failures.forget(self.now.0, MINUTE_NS);
        let mut actions = 0;
        for _ in 0..due.min(UPKEEP_PER_POLL) {
            self.upkeep.next = if self.upkeep.next + 1 < places { self.upkeep.next + 1 } else { 0 };
            actions += usize::from(self.look_after(self.upkeep.next));
            if actions == UPKEEP_ACTIONS_PER_POLL {
                break;
            }
        }
        if actions < UPKEEP_ACTIONS_PER_POLL {
            let caught_up = due > UPKEEP_PER_POLL || elapsed_ns == UPKEEP_ROUND_NS;
            let looked_at_ns = self.upkeep.done_ns + due as u64 * UPKEEP_ROUND_NS / places as u64;
            self.upkeep.done_ns = if caught_up { self.now.0 } else { looked_at_ns };
        }
        actions
    }

    /// How long the doors may sleep before a connection is due.
    pub(super) fn upkeep_pause(&self) -> Duration {
        let places = self.connections.len().max(UPKEEP_PER_POLL);
        Duration::from_nanos(UPKEEP_ROUND_NS * UPKEEP_PER_POLL as u64 / places as u64)
    }

    /// Does what is due for one connection; whether that took system calls.
    fn look_after(&mut self, slot: usize) -> bool {
        let now_ns = self.now.0;
        let since = |earlier_ns: u64| Duration::from_nanos(now_ns.saturating_sub(earlier_ns));
        let Some(connection) = self.connections[slot].as_mut() else { return false };
        let limits = &self.limits;
        let silent = since(connection.received_ns) >= limits.silence_max && !connection.queued;
        let stuck = !connection.outbound.is_empty() && since(connection.sent_ns) >= limits.silence_max;
        let quiet = since(connection.sent_ns) >= limits.heartbeat;
        match connection.stage {
            Stage::Closing { since_ns } if now_ns.saturating_sub(since_ns) >= LINGER_NS => {
                self.remove(slot, CommandKind::SessionLost);
            }
            Stage::LogIn | Stage::Pending { .. } if since(connection.opened_ns) >= limits.log_in_max => {
                self.end(slot, CommandKind::SessionLost, Some(Packet::Debug(b"no login in time")));
            }
            Stage::Stream(_) if stuck => self.remove(slot, CommandKind::SessionLost),
            Stage::Stream(_) if silent => {
                let text = b"silent for too long: send a heartbeat every second";
                self.end(slot, CommandKind::SessionLost, Some(Packet::Debug(text)));
            }
            Stage::Stream(_) if quiet && connection.outbound.is_empty() => return self.beat(slot),
            Stage::Closing { .. } | Stage::LogIn | Stage::Pending { .. } | Stage::Stream(_) => return false,
        }
        true
    }

    /// Sends a heartbeat, unless too many were sent just now. Connections that were opened together would have
    /// theirs together for ever; at a pace of a quarter more than is needed they spread over the interval.
    fn beat(&mut self, slot: usize) -> bool {
        let now_ns = self.now.0;
        let interval_ns = u64::try_from(self.limits.heartbeat.as_nanos()).unwrap_or(u64::MAX);
        let pause_ns = interval_ns / (self.connections() as u64 * 5 / 4).max(1);
        if now_ns < self.upkeep.heartbeat_ns {
            return false;
        }
        let earliest_ns = now_ns.saturating_sub(UPKEEP_ACTIONS_PER_POLL as u64 * pause_ns);
        self.upkeep.heartbeat_ns = self.upkeep.heartbeat_ns.max(earliest_ns) + pause_ns;
        let Some(connection) = self.connections[slot].as_mut() else { return false };
        match connection.beat(now_ns) {
            Ok(()) if connection.outbound.is_empty() => {}
            Ok(()) => self.mark_dirty(slot),
            Err(Gone) => self.remove(slot, CommandKind::SessionLost),
        }
        true
    }
}
