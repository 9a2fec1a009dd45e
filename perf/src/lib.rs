//! How fast it is, measured so that others can repeat it.
//!
//! ```text
//!   workload ──> floor       the simplest fast matcher
//!      │    └──> production  the real one, bare          matcher: both in turn, their ratio
//! ```
//!
//! What is claimed is always a ratio of two things measured in turn in one run: absolute figures move
//! from machine to machine. `docs/benchmarks.md` tells how to run each of them.

pub mod clock;
pub mod count;
pub mod disk;
pub mod echo;
pub mod floor;
pub mod histogram;
pub mod machine;
pub mod matcher;
pub mod production;
pub mod workload;
