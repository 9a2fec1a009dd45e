//! Events of the event log, one a line.

use super::Stop;
use crate::cli::{Range, Source};
use crate::failure::Failure;
use crate::rebuild;
use adapters::{Instruments, render_line};
use engine::event::{EventKind, EventRecord};
use engine::number::Sequence;
use journal::event_log::Address;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};

/// Prints the events of the range, or how many there are of each kind.
pub(super) fn run(source: &Source, range: Range) -> Result<(), Stop> {
    let mut reader = rebuild::events(&source.data)?;
    let mut instruments = Instruments::default();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut kinds: BTreeMap<u8, u64> = BTreeMap::new();
    let mut last = Address::START;
    let mut line = String::new();
    while let Some(event) = reader.next().map_err(Failure::from)? {
        // Scales come from events before the range.
        instruments.observe(&event);
        if event.sequence() < Sequence(range.from) {
            continue;
        }
        if range.to.is_some_and(|to| event.sequence().0 > to) {
            break;
        }
        last = Address::of(&event);
        *kinds.entry(event.kind()).or_default() += 1;
        if range.summary {
            continue;
        }
        line.clear();
        render_line(&event, &instruments, &mut line);
        let text = if source.json { line.trim_end().to_owned() } else { people(&event, &line) };
        writeln!(out, "{text}")?;
    }
    if range.summary {
        summary(&mut out, source.json, &kinds, last)?;
    }
    Ok(out.flush()?)
}

/// The line without braces and quotes, its address and kind in front.
fn people(event: &EventRecord, line: &str) -> String {
    let fields: Value = serde_json::from_str(line).unwrap_or_default();
    let rest: Vec<String> = fields
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !["sequence", "ordinal", "kind"].contains(&key.as_str()))
        .map(|(key, value)| {
            format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    format!("{:<14} {:<16} {}", Address::of(event).to_string(), name(event.kind()), rest.join(" "))
}

fn name(kind: u8) -> String {
    bytemuck::checked::try_cast::<u8, EventKind>(kind)
        .map_or_else(|_| format!("kind {kind}"), |kind| format!("{kind:?}"))
}

fn summary(
    out: &mut impl Write,
    as_json: bool,
    kinds: &BTreeMap<u8, u64>,
    last: Address,
) -> std::io::Result<()> {
    let total: u64 = kinds.values().sum();
    if as_json {
        let kinds: serde_json::Map<String, Value> =
            kinds.iter().map(|(kind, count)| (name(*kind), Value::from(*count))).collect();
        return writeln!(
            out,
            "{}",
            json!({"events": total, "last": {"sequence": last.sequence.0, "ordinal": last.ordinal}, "kinds": kinds})
        );
    }
    for (kind, count) in kinds {
        writeln!(out, "{count:>12}  {}", name(*kind))?;
    }
    writeln!(out, "{total:>12}  in all, the last at {last}")
}
