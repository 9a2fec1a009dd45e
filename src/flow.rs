//! Not there yet.

use crate::cli::FlowOptions;
use crate::failure::Failure;

pub(crate) fn run(_options: &FlowOptions) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
