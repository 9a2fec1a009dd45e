//! How fast it is, measured so that others can repeat it.

pub mod clock;
pub mod floor;
pub mod machine;
pub mod matcher;
pub mod production;
pub mod workload;
