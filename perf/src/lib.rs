//! How fast it is, measured so that others can repeat it.
//!
//! ```text
//!   workload ──┬──> floor        the simplest fast matcher   ┐ matcher: both in turn
//!              ├──> production   the real one, bare or full  ┘ matcher-curve: over book sizes; count: instructions
//!              └──> load         open-loop OUCH client ──┬──> a running venue        ladder
//!                                                        ├──> server: rotunda run    ┐ venue, gate:
//!                                                        └──> server: echo           │ in turn
//!   readers      WebSocket clients ──┬──> server: rotunda run, its web door
//!                                    └──> server: a plain broadcaster
//!                   disk         one durable write ──────────────────────────────────┘
//! ```
//!
//! What is claimed is always a ratio of two things measured in turn in one run: absolute figures move
//! from machine to machine. `docs/benchmarks.md` tells how to run each of them.

pub mod clock;
pub mod count;
pub mod crowd;
pub mod disk;
pub mod echo;
pub mod feed;
pub mod floor;
pub mod gate;
pub mod histogram;
pub mod ladder;
pub mod load;
pub mod machine;
pub mod matcher;
pub mod matcher_curve;
pub mod production;
pub mod readers;
pub mod restart;
pub mod server;
pub mod svg;
pub mod venue;
pub mod venue_curve;
pub mod workload;
