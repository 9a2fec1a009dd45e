//! Answers on the standard output. Whoever reads them may have seen enough (`| head`): a closed pipe ends
//! a command in good order.

use crate::failure::Failure;
use std::io::{ErrorKind, Write};

/// Writes an answer.
///
/// # Errors
/// The output takes no more, for another reason than that its reader has gone.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    forgive(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// The same, and ends the line.
///
/// # Errors
/// As [`print`].
pub(crate) fn print_line(line: &impl std::fmt::Display) -> Result<(), Failure> {
    print(&format!("{line}\n"))
}

/// What a write to the standard output comes to.
///
/// # Errors
/// As [`print`].
pub(crate) fn forgive(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!(
            "cannot write the answer: {error}; look at where the standard output goes"
        ))),
        _ => Ok(()),
    }
}
