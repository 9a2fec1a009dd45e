//! The stages between the rings. Each has a `poll` that does the work that is ready, says how much it
//! did, and never waits.

pub(crate) mod egress;
pub(crate) mod gate;
pub(crate) mod journaler;
pub(crate) mod matcher;
pub(crate) mod outlet;
pub(crate) mod rings;

#[cfg(test)]
mod tests;
