//! `rotunda admin`: an operator's commands to a running venue, and the venue's side of them.

mod answer;
pub(crate) mod desk;
mod listing;
mod orders;
mod refusal;
mod request;
pub(crate) mod server;
pub(crate) mod view;

use crate::failure::Failure;
use crate::output;
use crate::table::table;
use refusal::{Code, Refusal};
pub(crate) use request::{Envelope, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use server::LINE_BYTES_MAX;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The admin socket's name in the data folder.
pub(crate) const SOCKET_NAME: &str = "admin.sock";
/// Longest wait of a client: other operators may be served first, and the venue itself gives up sooner.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(60);

/// Arguments of `rotunda admin`.
#[derive(clap::Args, Debug)]
pub(crate) struct AdminArguments {
    /// Data folder of the running venue.
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    data: PathBuf,
    /// Who gives the command; kept in the log.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator", global = true)]
    who: String,
    /// Why; kept in the log.
    #[arg(long, value_name = "TEXT", default_value = "", global = true)]
    why: String,
    /// JSON in place of a table.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    request: Request,
}

/// Sends one request to the venue and prints its answer.
pub(crate) fn run(arguments: AdminArguments) -> Result<(), Failure> {
    let AdminArguments { data, who, why, json, request } = arguments;
    match ask(&data, &Envelope { who, why, request })? {
        Ok(rows) if json => output::print_line(&rows),
        Ok(rows) => output::print(&table(rows.as_array().map_or(&[], Vec::as_slice))),
        Err(Refusal { code, message }) => {
            if json {
                output::print_line(&json!({"code": code, "error": message}))?;
            }
            Err(Failure::new(message))
        }
    }
}

/// Puts a request to the venue in `data`: the rows of its answer, or why it was refused.
///
/// # Errors
/// No venue answers there.
pub(crate) fn ask(data: &Path, envelope: &Envelope) -> Result<Result<Value, Refusal>, Failure> {
    let path = data.join(SOCKET_NAME);
    let line = serde_json::to_string(envelope)? + "\n";
    if line.len() as u64 > LINE_BYTES_MAX {
        let refused =
            format!("the request has {} bytes, at most {LINE_BYTES_MAX} are taken; shorten it", line.len());
        return Ok(Err(Refusal::new(Code::Request, refused)));
    }
    let stream = UnixStream::connect(&path).map_err(|error| {
        Failure::new(format!(
            "no venue answers at {} ({error}); start it with `rotunda run`, or name its folder with --data",
            path.display()
        ))
    })?;
    let mut answer = String::new();
    let mut talk = || {
        stream.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
        stream.set_write_timeout(Some(ANSWER_WAIT_MAX))?;
        (&stream).write_all(line.as_bytes())?;
        BufReader::new(&stream).read_line(&mut answer)
    };
    let lost = |what: String| {
        Failure::new(format!(
            "{what}; whether it was carried out tells `rotunda admin status` once the venue at {} is open again, or \
             `rotunda inspect journal`",
            data.display()
        ))
    };
    talk().map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            lost(format!("the venue has not answered within {} s", ANSWER_WAIT_MAX.as_secs()))
        }
        _ => lost(format!("the venue went away ({error})")),
    })?;
    let answer: Answer = serde_json::from_str(&answer)
        .map_err(|_| lost("the venue closed the connection without an answer".to_owned()))?;
    Ok(match answer {
        Answer { ok: true, rows, .. } => Ok(rows),
        Answer { error, code, .. } => Err(Refusal::new(code.unwrap_or(Code::Failed), error)),
    })
}

/// One line that the venue sends.
#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    rows: Value,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    error: String,
}

#[cfg(test)]
mod tests {
    mod requests;
}
