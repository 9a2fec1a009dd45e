//! The program itself: as echo server under a client, and what it says when something is missing.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

use perf::load::{self, Load, Pace, Target};
use perf::server::{Cores, Layout, Server, ServerError, VenueStart};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_rotunda-perf");

fn cores() -> Cores {
    let ids = core_affinity::get_core_ids().unwrap();
    Cores { server: ids.first().unwrap().id, client: ids.last().unwrap().id }
}

#[test]
fn an_echo_server_lives_as_long_as_its_handle() {
    let server = Server::echo(Path::new(PROGRAM), cores()).unwrap();
    let address = server.address;
    let target = Target::Echo { sessions: 2 };
    let load = Load { address, target, pace: Pace::InFlight(8), commands: 5_000, seed: 1 };
    assert_eq!(load::run(&load).unwrap().answered, 5_000);
    drop(server);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_venue_that_does_not_open_is_told() {
    let folder = std::env::temp_dir().join(format!("rotunda-perf-{}", std::process::id()));
    let start = VenueStart {
        program: Path::new("/bin/true"),
        folder: folder.clone(),
        durable: false,
        layout: Layout::Inline,
        instruments: 1,
    };
    let error = Server::venue(&start, cores()).err();
    assert!(matches!(error, Some(ServerError::NotOpen(_))));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_missing_venue_is_named() {
    let output = Command::new(PROGRAM).args(["venue", "--venue", "/nonexistent/rotunda"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/nonexistent/rotunda") && said.contains("--venue"), "{said}");
}

#[test]
fn a_result_tells_its_machine() {
    let file = std::env::temp_dir().join(format!("rotunda-perf-result-{}.json", std::process::id()));
    perf::machine::store(&file, &serde_json::json!({ "answer": 42 })).unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(stored["result"]["answer"], 42);
    for field in ["cpu", "cores", "kernel", "commit", "date", "command"] {
        assert!(!stored["machine"][field].is_null(), "{field}");
    }
}
