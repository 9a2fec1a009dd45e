//! Not there yet.

use crate::cli::CheckOptions;
use crate::failure::Failure;

pub(crate) fn check(_options: &CheckOptions) -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}

pub(crate) fn print_default() -> Result<(), Failure> {
    Err(Failure::new("not there yet"))
}
