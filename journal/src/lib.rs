//! journal

pub mod event_log;
