//! Durations counted by powers of two: one addition each, and a picture that Prometheus can read.

use super::Counter;
use std::fmt::Write as _;

/// The first bucket holds durations up to 2^10 ns, about a microsecond.
const FIRST_BITS: u32 = 10;
/// The last of them holds up to 2^34 ns, about 17 s; what is longer is in `+Inf`.
const BUCKETS: usize = 25;

/// Durations in nanoseconds. One thread observes, any thread reads.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BUCKETS],
    longer: Counter,
    sum_ns: Counter,
}

impl Histogram {
    /// Counts one duration.
    #[inline]
    pub fn observe(&self, duration_ns: u64) {
        let bits = u64::BITS - duration_ns.saturating_sub(1).leading_zeros();
        let place = bits.saturating_sub(FIRST_BITS) as usize;
        self.buckets.get(place).unwrap_or(&self.longer).add(1);
        self.sum_ns.add(duration_ns);
    }

    /// Appends the samples of the histogram `name`, in seconds.
    pub(super) fn render(&self, out: &mut String, name: &str, help: &str) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "# HELP rotunda_{name} {help}\n# TYPE rotunda_{name} histogram");
        let mut count = 0;
        for (bucket, bits) in self.buckets.iter().zip(FIRST_BITS..) {
            count += bucket.get();
            let _ = writeln!(out, "rotunda_{name}_bucket{{le=\"{}\"}} {count}", Seconds(1 << bits));
        }
        count += self.longer.get();
        let _ = writeln!(out, "rotunda_{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ =
            writeln!(out, "rotunda_{name}_sum {}\nrotunda_{name}_count {count}", Seconds(self.sum_ns.get()));
    }
}

/// Nanoseconds, shown as decimal seconds.
pub(super) struct Seconds(pub(super) u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_its_bucket_and_all_above() {
        let histogram = Histogram::default();
        for duration_ns in [0, 1, 1024, 1025, 2048, 1 << 34, (1 << 34) + 1] {
            histogram.observe(duration_ns);
        }
        let mut out = String::new();
        histogram.render(&mut out, "test_seconds", "A test.");
        for line in [
            "_bucket{le=\"0.000001024\"} 3\n",
            "_bucket{le=\"0.000002048\"} 5\n",
            "_bucket{le=\"17.179869184\"} 6\n",
            "_bucket{le=\"+Inf\"} 7\n",
            "_count 7\n",
            "_sum 34.359742467\n",
        ] {
            assert!(out.contains(line), "{line} in {out}");
        }
    }
}
