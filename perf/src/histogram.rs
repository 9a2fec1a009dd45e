//! Latencies and how they are told.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longest latency that is told apart, in nanoseconds.
const LATENCY_NS_MAX: u64 = 60_000_000_000;
/// Digits that are exact.
const DIGITS: u8 = 3;

/// Latencies in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of them are faster.
    pub p50_ns: u64,
    /// 99 of 100 are faster.
    pub p99_ns: u64,
    /// 999 of 1,000 are faster.
    pub p999_ns: u64,
    /// 9,999 of 10,000 are faster.
    pub p9999_ns: u64,
    /// None is slower.
    pub max_ns: u64,
}

impl Percentiles {
    /// Those of `histogram`.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self {
            p50_ns: at(0.50),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            p9999_ns: at(0.9999),
            max_ns: histogram.max(),
        }
    }

    /// As they are stored.
    #[must_use]
    pub fn json(self) -> Value {
        json!({
            "p50_ns": self.p50_ns,
            "p99_ns": self.p99_ns,
            "p99_9_ns": self.p999_ns,
            "p99_99_ns": self.p9999_ns,
            "max_ns": self.max_ns,
        })
    }
}

impl std::fmt::Display for Percentiles {
    /// In microseconds, from the median to the slowest.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = [self.p50_ns, self.p99_ns, self.p999_ns, self.p9999_ns, self.max_ns];
        let [p50, p99, p999, p9999, max] = all.map(|ns| ns as f64 / 1_000.0);
        write!(f, "p50 {p50:.1}  p99 {p99:.1}  p99.9 {p999:.1}  p99.99 {p9999:.1}  max {max:.1} µs")
    }
}

/// An empty histogram of nanoseconds.
pub(crate) fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS).expect("the bounds are a valid range")
}

/// The middle of several measurements; of none, not a number.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// `value` with this many decimals, as results are stored.
#[must_use]
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn percentiles_are_told_in_microseconds() {
        let mut histogram = latency_histogram();
        (1..=100u64).for_each(|value| histogram.saturating_record(value * 1_000));
        let told = Percentiles::of(&histogram).to_string();
        assert!(told.starts_with("p50 50.0  p99 99.0"), "{told}");
    }
}
