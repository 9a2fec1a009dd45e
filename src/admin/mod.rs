//! `rotunda admin`: an operator's commands to a running venue.

use crate::failure::Failure;

#[derive(clap::Args, Debug)]
pub(crate) struct AdminArguments {}

pub(crate) fn run(_arguments: &AdminArguments) -> Result<(), Failure> {
    Err(Failure::new("admin is not there yet"))
}
