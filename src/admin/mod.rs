//! `rotunda admin`: an operator's commands to a running venue, and the venue's side of them.

mod answer;
pub(crate) mod desk;
mod orders;
mod request;
pub(crate) mod server;
pub(crate) mod view;

use crate::failure::Failure;
use request::{Envelope, Request};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// The admin socket's name in the data folder.
pub(crate) const SOCKET_NAME: &str = "admin.sock";

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
    let path = data.join(SOCKET_NAME);
    let stream = UnixStream::connect(&path).map_err(|error| {
        Failure::new(format!(
            "no venue answers at {} ({error}); start it with `rotunda run`, or name its folder with --data",
            path.display()
        ))
    })?;
    let envelope = Envelope { who, why, request };
    writeln!(&stream, "{}", serde_json::to_string(&envelope)?)?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    let answer: Value = serde_json::from_str(&line)
        .map_err(|_| Failure::new("the venue closed the connection without an answer"))?;
    if answer["ok"] != Value::Bool(true) {
        return Err(Failure::new(answer["error"].as_str().unwrap_or("the venue gave no reason")));
    }
    if json {
        println!("{}", answer["rows"]);
    } else {
        print!("{}", table(answer["rows"].as_array().map_or(&[], Vec::as_slice)));
    }
    Ok(())
}

/// Rows as aligned columns. Rows of another shape begin a table of their own.
fn table(rows: &[Value]) -> String {
    let keys = |row: &Value| -> Vec<String> {
        row.as_object().map_or_else(Vec::new, |object| object.keys().cloned().collect())
    };
    let mut text = String::new();
    for group in rows.chunk_by(|a, b| keys(a) == keys(b)) {
        let head = keys(&group[0]);
        let mut lines = vec![head.clone()];
        lines.extend(group.iter().map(|row| head.iter().map(|key| cell(&row[key.as_str()])).collect()));
        let widths: Vec<usize> = (0..head.len())
            .map(|column| lines.iter().map(|line: &Vec<String>| line[column].len()).max().unwrap_or(0))
            .collect();
        for line in &lines {
            let padded: Vec<String> =
                line.iter().zip(&widths).map(|(value, width)| format!("{value:<width$}")).collect();
            text.push_str(padded.join("  ").trim_end());
            text.push('\n');
        }
    }
    text
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    mod requests;

    use super::*;
    use serde_json::json;

    #[test]
    fn rows_are_aligned_and_shapes_kept_apart() {
        let rows = [json!({"a": 1, "b": "xyz"}), json!({"a": 100, "b": ""}), json!({"c": true})];
        assert_eq!(table(&rows), "a    b\n1    xyz\n100\nc\ntrue\n");
    }
}
