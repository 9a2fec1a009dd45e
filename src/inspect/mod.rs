//! Not there yet.

use crate::cli::InspectArguments;
use crate::failure::Failure;

pub(crate) fn run(_options: &InspectArguments) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
