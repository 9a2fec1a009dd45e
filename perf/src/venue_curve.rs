//! Latency against load, and throughput against sessions, each as a table and as a picture.

use crate::load::{LoadResult, Pace};
use crate::server::Layout;
use crate::svg::{Axis, Chart, Line};
use crate::venue::{Comparison, Offer, SESSIONS_MAX};
use serde_json::{Value, json};
use std::error::Error;

/// Shares of the most that was reached at which latency is measured.
const SHARES: [f64; 10] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
/// Numbers of sessions for which throughput is measured.
const SESSIONS: [usize; 5] = [1, 2, 4, 8, 16];

/// Latency at rising load.
#[derive(Clone, Debug)]
pub struct LatencyCurve(pub Vec<LoadResult>);

/// The most that so many sessions reach, beside the echo server.
#[derive(Clone, Debug)]
pub struct ThroughputCurve(pub Vec<(LoadResult, LoadResult)>);

impl LatencyCurve {
    /// Sixteen sessions, durable, open loop, at shares of `most_per_second` commands a second, `seconds` each.
    ///
    /// # Errors
    /// A venue does not start, or a run fails.
    pub fn measure(
        comparison: &Comparison,
        most_per_second: f64,
        seconds: f64,
    ) -> Result<Self, Box<dyn Error>> {
        let at = |share: f64| {
            let per_second = share * most_per_second;
            comparison.venue(Offer {
                sessions: SESSIONS_MAX,
                pace: Pace::Poisson(per_second),
                commands: (per_second * seconds) as u32,
                durable: true,
                layout: Layout::Inline,
            })
        };
        SHARES.into_iter().map(at).collect::<Result<_, _>>().map(Self)
    }

    /// As a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let line = |name: &str, of: fn(&LoadResult) -> u64| Line {
            name: name.to_owned(),
            points: self.0.iter().map(|run| (run.orders_per_second() / 1e3, of(run) as f64 / 1e3)).collect(),
        };
        Chart {
            title: "Latency against load: sixteen sessions, durable, open loop".to_owned(),
            across: Axis { name: "thousand orders a second".to_owned(), logarithmic: false },
            up: Axis { name: "microseconds".to_owned(), logarithmic: true },
            lines: vec![
                line("p50", |run| run.latency.p50_ns),
                line("p99", |run| run.latency.p99_ns),
                line("p99.9", |run| run.latency.p999_ns),
            ],
        }
        .svg()
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        json!(self.0.iter().map(LoadResult::json).collect::<Vec<_>>())
    }
}

impl ThroughputCurve {
    /// 1 to 16 sessions, durable, closed, `in_flight` commands in each unanswered.
    ///
    /// # Errors
    /// A server does not start, or a run fails.
    pub fn measure(comparison: &Comparison, in_flight: u32) -> Result<Self, Box<dyn Error>> {
        let with = |sessions: usize| {
            let offer = Offer {
                sessions,
                pace: Pace::InFlight(in_flight * sessions as u32),
                commands: comparison.many_commands,
                durable: true,
                layout: Layout::Inline,
            };
            Ok((comparison.echo(offer)?, comparison.venue(offer)?))
        };
        SESSIONS.into_iter().map(with).collect::<Result<_, _>>().map(Self)
    }

    /// As a picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = |of: fn(&(LoadResult, LoadResult)) -> f64| {
            self.0.iter().map(|runs| (runs.0.sessions as f64, of(runs) / 1e3)).collect()
        };
        Chart {
            title: "Throughput against sessions: durable, closed loop".to_owned(),
            across: Axis { name: "sessions".to_owned(), logarithmic: true },
            up: Axis { name: "thousand a second".to_owned(), logarithmic: true },
            lines: vec![
                Line { name: "venue, orders".to_owned(), points: points(|runs| runs.1.orders_per_second()) },
                Line {
                    name: "venue, commands".to_owned(),
                    points: points(|runs| runs.1.commands_per_second()),
                },
                Line {
                    name: "echo, messages".to_owned(),
                    points: points(|runs| runs.0.commands_per_second()),
                },
            ],
        }
        .svg()
    }

    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        json!(
            self.0
                .iter()
                .map(|(echo, venue)| json!({ "echo": echo.json(), "venue": venue.json() }))
                .collect::<Vec<_>>()
        )
    }
}
