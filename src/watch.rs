//! Not there yet.

use crate::cli::WatchOptions;
use crate::failure::Failure;

pub(crate) fn run(_options: &WatchOptions) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
