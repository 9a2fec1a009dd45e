//! The market rules as tables that a trader can check line by line: `*.txt` in this folder.
//!
//! A table begins with what all its cases are given; `== what is shown` opens a case. Then:
//!
//! ```text
//! . s1 sell 5 @ 100        given: must not be refused, what it says is not looked at
//! s2 buy 7 @ 100           a command; the lines below it are all that it says, in order
//! > trade 1 maker s1:1 ...
//! book X                   the resting orders in priority; `balances` the accounts
//! = bid 100: s2:1 2
//! ```
//!
//! Each case runs on the engine and on the twin. A failure prints both lists and the line.
//! `ROTUNDA_WRITE_TABLES=1` writes what was said into the tables: read the difference before you keep it.

mod language;
mod short;
mod venue;

use language::Names;
use std::fmt::Write as _;
use std::path::PathBuf;
use venue::Venue;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");

macro_rules! tables {
    ($($table:ident)*) => {
        const TABLES: &[&str] = &[$(stringify!($table)),*];
        $(
            #[test]
            fn $table() {
                check(stringify!($table));
            }
        )*
    };
}

tables!(checks conditions days fees immediate limit_orders market_orders operator replace_reduce_cancel
    self_trade sessions);

#[test]
fn every_table_is_run() {
    let mut found: Vec<String> = std::fs::read_dir(FOLDER)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("plain names"))
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    found.sort();
    assert_eq!(found, TABLES);
}

#[test]
fn the_page_of_rules_names_every_table() {
    let page = include_str!("../../../docs/market-rules.md");
    let named = |table: &str| {
        page.split("*(")
            .skip(1)
            .filter_map(|rest| rest.split_once(")*"))
            .any(|(tables, _)| tables.split(", ").any(|name| name == table))
    };
    for table in TABLES {
        assert!(named(table), "docs/market-rules.md does not say what {table}.txt shows");
    }
    for (tables, _) in page.split("*(").skip(1).filter_map(|rest| rest.split_once(")*")) {
        let unknown = tables.split(", ").find(|name| !name.starts_with('[') && !TABLES.contains(name));
        assert_eq!(unknown, None, "docs/market-rules.md names a table that is not there");
    }
}

/// One case in progress.
struct Case {
    names: Names,
    venue: Venue,
    with_reports: bool,
}

/// Runs all cases of a table.
fn check(table: &str) {
    let path = PathBuf::from(FOLDER).join(format!("{table}.txt"));
    let text = std::fs::read_to_string(&path).expect("the table is there");
    let lines: Vec<&str> = text.lines().collect();
    let is_case = |line: &&str| line.starts_with("== ");
    let given = lines.iter().position(is_case).unwrap_or(lines.len());
    let mut said = String::new();
    let mut case = None;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        writeln!(said, "{line}").expect("memory");
        at += 1;
        if at <= given || line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with("== ") {
            case = Some(open(&lines[..given]));
            continue;
        }
        let case = case.as_mut().expect("a case is open");
        let step = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case.step(line)));
        let answers = step.unwrap_or_else(|_| panic!("{table}.txt, line {at}: {line}"));
        let Some(answers) = answers else { continue };
        let expected = lines[at..].iter().take_while(|line| line.starts_with(['>', '='])).count();
        compare(table, at, line, &lines[at..at + expected], &answers);
        at += expected;
        answers.iter().for_each(|answer| writeln!(said, "{answer}").expect("memory"));
    }
    if writes() && said != text {
        std::fs::write(path, said).expect("the table can be written");
    }
}

fn writes() -> bool {
    std::env::var_os("ROTUNDA_WRITE_TABLES").is_some()
}

/// A case that has been given what its table begins with.
fn open(given: &[&str]) -> Case {
    let limits = given.iter().filter_map(|line| line.strip_prefix("limit "));
    let venue = Venue::new(limits);
    let with_reports = given.contains(&"show reports");
    let mut case = Case { names: Names::default(), venue, with_reports };
    for line in given {
        let meta = line.is_empty()
            || line.starts_with(['#'])
            || line.starts_with("limit ")
            || *line == "show reports";
        if !meta {
            case.step(&format!(". {line}"));
        }
    }
    case
}

impl Case {
    /// Carries out one line; what it says, `None` where that is not looked at.
    fn step(&mut self, line: &str) -> Option<Vec<String>> {
        if let Some(symbol) = line.strip_prefix("book ") {
            let number =
                self.names.instruments.iter().position(|one| one == symbol).expect("a listed symbol");
            let number = u32::try_from(number).expect("few") + 1;
            return Some(
                self.venue.book(&self.names, number).iter().map(|line| format!("= {line}")).collect(),
            );
        }
        if line == "balances" {
            return Some(self.venue.balances(&self.names).iter().map(|line| format!("= {line}")).collect());
        }
        let given = line.strip_prefix(". ");
        let events = self.venue.apply(&self.names.command(given.unwrap_or(line)));
        if given.is_some() {
            if let Some(refusal) = events.iter().find(|event| short::refuses(event)) {
                panic!("given, but {}", self.names.short(refusal, false));
            }
            return None;
        }
        Some(events.iter().map(|event| format!("> {}", self.names.short(event, self.with_reports))).collect())
    }
}

fn compare(table: &str, line: usize, command: &str, expected: &[&str], said: &[String]) {
    if expected == said || writes() {
        return;
    }
    let mut text = format!("engine/tests/rules/{table}.txt, line {line}: {command}\n");
    let longest = expected.len().max(said.len());
    for at in 0..longest {
        match (expected.get(at), said.get(at)) {
            (Some(wanted), Some(got)) if wanted == got => writeln!(text, "    {wanted}").expect("memory"),
            (wanted, got) => {
                wanted.iter().for_each(|wanted| writeln!(text, "  - {wanted}").expect("memory"));
                got.iter().for_each(|got| writeln!(text, "  + {got}").expect("memory"));
            }
        }
    }
    panic!("{text}(- as the table says, + as it was)");
}
