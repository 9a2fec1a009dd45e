//! Not there yet.

use crate::cli::RunOptions;
use crate::failure::Failure;

pub(crate) fn run(_options: &RunOptions) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
