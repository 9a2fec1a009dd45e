//! Instructions a command, counted by callgrind: the same on every run, so that a change on the hot
//! path can be judged where times are too noisy.

use crate::matcher::Subject;
use std::path::Path;
use std::process::Command;

/// Why nothing was counted.
#[derive(Debug)]
pub enum CountError {
    /// Valgrind could not be started.
    NoValgrind(std::io::Error),
    /// It ran, and what it printed ends like this.
    NoCount(String),
}

impl std::fmt::Display for CountError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoValgrind(error) => write!(f, "valgrind cannot be started ({error}): install it"),
            Self::NoCount(tail) => write!(f, "valgrind printed no count: {tail}"),
        }
    }
}

impl std::error::Error for CountError {}

/// Runs this program again under callgrind with `arguments` and gives the instructions counted in the
/// timed part alone. The profile is kept in `profile` for `callgrind_annotate`.
///
/// # Errors
/// Valgrind is missing, or the run failed.
pub fn instructions(subject: Subject, arguments: &[String], profile: &Path) -> Result<u64, CountError> {
    let program = std::env::current_exe().map_err(CountError::NoValgrind)?;
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg("--collect-atstart=no")
        .arg(format!("--toggle-collect=*{}*", subject.counted_function()))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(program)
        .args(arguments)
        .output()
        .map_err(CountError::NoValgrind)?;
    let printed = String::from_utf8_lossy(&output.stderr);
    let counted = collected(&printed).filter(|&count| count > 0 && output.status.success());
    counted.ok_or_else(|| {
        let tail = printed.lines().rev().take(3).collect::<Vec<_>>().join(" | ");
        CountError::NoCount(tail)
    })
}

fn collected(printed: &str) -> Option<u64> {
    let (_, number) = printed.lines().find_map(|line| line.split_once("Collected : "))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_valgrind_prints() {
        assert_eq!(collected("==7== Events    : Ir\n==7== Collected : 123456\n"), Some(123_456));
        assert_eq!(collected("==7== nothing"), None);
    }
}
