//! Not there yet.

use crate::cli::ReplayOptions;
use crate::failure::Failure;

pub(crate) fn run(_options: &ReplayOptions) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
