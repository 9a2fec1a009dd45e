//! The binary `rotunda`: the command line, the typed configuration, and what the commands do.
//!
//! `rotunda run` opens the venue. The other commands are readers of its files and of its doors; none
//! of them reaches into a running venue's memory.

mod admin;
mod book_text;
mod cli;
mod clock;
mod config;
mod data_folder;
mod demo;
mod disk_room;
mod endpoints;
mod failure;
mod flow;
#[cfg(test)]
#[path = "../tests/fuzz/harness.rs"]
mod fuzz;
mod gather;
mod idle;
mod inspect;
mod knowledge;
mod output;
mod pipeline;
mod progress;
mod rebuild;
mod recovery;
mod replay;
mod run;
mod seeding;
mod snapshots;
mod stages;
mod symbol;
mod table;
mod time;
mod timers;
mod watch;

use clap::Parser;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let done = match arguments.command.unwrap_or_default() {
        cli::Command::Run(options) => run::run(&options),
        cli::Command::Check(options) => config::check(&options),
        cli::Command::Config => config::print_default(),
        cli::Command::Admin(arguments) => admin::run(arguments),
        cli::Command::Replay(options) => replay::run(&options),
        cli::Command::Inspect(arguments) => inspect::run(&arguments),
        cli::Command::Snapshot(options) => snapshots::make::run(&options),
        cli::Command::Backup(options) => snapshots::backup::run(&options),
        cli::Command::Watch(options) => watch::run(&options),
        cli::Command::Flow(options) => flow::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // `eprintln!` aborts where nothing can be written, and the exit code would be lost.
            let _ = writeln!(std::io::stderr(), "rotunda: {failure}");
            failure.exit_code()
        }
    }
}
