//! The load client against an echo server and against a small venue that accepts whatever it is asked.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

use net::ouch::inbound::{self, Inbound};
use net::ouch::outbound::{Accepted, Cancelled, QueryResponse, Rejected};
use net::soup::{self, LoginAccepted, Packet};
use perf::echo::EchoServer;
use perf::load::{self, Load, LoadError, Pace, Target};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What the small venue does with the orders of a number that 1,000 divides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Accepts,
    RejectsSome,
    AnswersTwice,
}

fn small_venue(mood: Mood) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || serve(&stream.unwrap(), mood));
        }
    });
    address
}

fn serve(mut stream: &TcpStream, mood: Mood) {
    let (mut inbound, mut outbound) = (Vec::new(), Vec::new());
    let mut chunk = vec![0; 65_536];
    loop {
        let Ok(count @ 1..) = stream.read(&mut chunk) else { return };
        inbound.extend_from_slice(&chunk[..count]);
        let mut taken = 0;
        while let Some((packet, size)) = soup::decode(&inbound[taken..]).unwrap() {
            match packet {
                Packet::Login(_) => {
                    let accepted = LoginAccepted { session: b"26112401", sequence: 1 };
                    Packet::LoginAccepted(accepted).encode(&mut outbound);
                }
                Packet::Unsequenced(message) => answer(message, mood, &mut outbound),
                _ => {}
            }
            taken += size;
        }
        inbound.drain(..taken);
        if stream.write_all(&outbound).is_err() {
            return;
        }
        outbound.clear();
    }
}

fn answer(message: &[u8], mood: Mood, out: &mut Vec<u8>) {
    match inbound::decode(message).unwrap() {
        Inbound::Query => {
            let answer = QueryResponse { timestamp: 0, next_user_ref: 5 };
            soup::frame(out, b'S', |out| answer.encode(out));
        }
        Inbound::Enter(order, _) => {
            let odd_one = order.user_ref.is_multiple_of(1_000);
            if odd_one && mood == Mood::RejectsSome {
                let (user_ref, client_order_id) = (order.user_ref, order.client_order_id);
                let rejected = Rejected { timestamp: 0, user_ref, reason: 0x1D, client_order_id };
                return soup::frame(out, b'S', |out| rejected.encode(out));
            }
            let accepted = Accepted {
                timestamp: 0,
                user_ref: order.user_ref,
                side: order.side,
                quantity: order.quantity,
                symbol: order.symbol,
                price: order.price,
                time_in_force: order.time_in_force,
                display: order.display,
                order_reference: 1,
                capacity: order.capacity,
                intermarket_sweep: b'N',
                cross_type: b'N',
                state: b'L',
                client_order_id: order.client_order_id,
            };
            let times = if odd_one && mood == Mood::AnswersTwice { 2 } else { 1 };
            for _ in 0..times {
                soup::frame(out, b'S', |out| accepted.encode_with(&[], out));
            }
        }
        Inbound::Cancel(cancel) => {
            let (user_ref, quantity) = (cancel.user_ref, 100);
            let cancelled = Cancelled { timestamp: 0, user_ref, quantity, reason: b'U' };
            soup::frame(out, b'S', |out| cancelled.encode(out));
        }
        other => panic!("the load sends no {other:?}"),
    }
}

fn load(address: SocketAddr, sessions: usize, pace: Pace) -> Load {
    let logins = (0..sessions).map(|number| (format!("s{number}"), "secret".to_owned())).collect();
    let target = Target::Venue { logins, symbols: vec!["BTCUSD".to_owned(), "ETHUSD".to_owned()] };
    Load { address, target, pace, commands: 20_000, seed: 3 }
}

#[test]
fn every_command_is_answered_at_every_pace() {
    let address = small_venue(Mood::Accepts);
    for (sessions, pace) in [
        (1, Pace::InFlight(1)),
        (5, Pace::InFlight(100)),
        (3, Pace::Poisson(200_000.0)),
        (16, Pace::Bursts { per_second: 200_000.0, size: 50 }),
    ] {
        let result = load::run(&load(address, sessions, pace)).unwrap();
        assert_eq!(result.accepted + result.cancelled, 20_000, "{pace}");
        assert_eq!((result.rejected, result.overtaken), (0, 0), "{pace}");
        assert!(result.latency.p50_ns > 0 && result.latency.max_ns >= result.latency.p99_ns);
    }
}

#[test]
fn rejected_orders_are_counted_and_not_cancelled() {
    let address = small_venue(Mood::RejectsSome);
    let result = load::run(&load(address, 1, Pace::InFlight(64))).unwrap();
    assert!(result.rejected > 0);
}

#[test]
fn an_answer_to_nothing_is_an_error() {
    let address = small_venue(Mood::AnswersTwice);
    let error = load::run(&load(address, 1, Pace::InFlight(64))).unwrap_err();
    assert!(matches!(error, LoadError::Unasked { session: 0 }), "{error}");
}

#[test]
fn waiting_counts_from_the_moment_a_command_was_due() {
    // A thousand commands due at one moment and answered one by one wait for each other.
    let address = small_venue(Mood::Accepts);
    let alone = load::run(&load(address, 1, Pace::InFlight(1))).unwrap();
    let burst = load::run(&load(address, 1, Pace::Bursts { per_second: 1e9, size: 20_000 })).unwrap();
    assert!(burst.latency.p50_ns > 10 * alone.latency.p50_ns, "{burst} against {alone}");
}

#[test]
fn the_echo_server_answers_the_same_load() {
    let mut server = EchoServer::open().unwrap();
    let address = server.address().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    let thread = thread::spawn(move || {
        server.serve(|| {
            thread::yield_now();
            seen.load(Ordering::Acquire)
        })
    });
    let target = Target::Echo { sessions: 7 };
    let result =
        load::run(&Load { address, target, pace: Pace::InFlight(500), commands: 50_000, seed: 1 }).unwrap();
    assert_eq!((result.answered, result.accepted), (50_000, 50_000));
    done.store(true, Ordering::Release);
    thread.join().unwrap().unwrap();
}
