//! The matcher against the floor over the size of the books, as a table and as a picture.

use crate::histogram::rounded;
use crate::matcher::{Comparison, UnequalWork, compare};
use crate::production::Mode;
use crate::svg::{Axis, Chart, Line};
use crate::workload::{Flow, Workload};
use serde_json::{Value, json};

/// Live orders, from what the first cache holds to what none does.
pub const SIZES: [u32; 9] =
    [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000];

/// One size.
#[derive(Clone, Debug)]
pub struct Point {
    /// Live orders that the flow steers to.
    pub live_orders: u32,
    /// What was measured.
    pub comparison: Comparison,
}

/// Measures one size over `commands` commands, in both modes.
///
/// # Errors
/// The matcher did not write as many reports as the floor.
pub fn point(live_orders: u32, seed: u64, commands: u32, runs: usize) -> Result<Point, UnequalWork> {
    let workload = Workload::draw(Flow::of_size(live_orders), seed, commands);
    Ok(Point { live_orders, comparison: compare(&workload, &[Mode::Bare, Mode::Full], runs)? })
}

impl Point {
    /// As it is stored.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut stored = json!({
            "live_orders": self.live_orders,
            "floor_ns": rounded(self.comparison.floor.median_ns(), 1),
        });
        for measured in &self.comparison.production {
            let name = measured.mode.name();
            stored[format!("{name}_ns")] = json!(rounded(measured.cost.median_ns(), 1));
            stored[format!("{name}_ratio")] = json!(rounded(measured.ratio(), 2));
        }
        stored
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let floor_ns = self.comparison.floor.median_ns();
        write!(f, "{:>10} live orders   floor {floor_ns:6.1} ns", self.live_orders)?;
        for measured in &self.comparison.production {
            let (name, ns) = (measured.mode.name(), measured.cost.median_ns());
            write!(f, "   {name} {ns:6.1} ns, {:.2} x", measured.ratio())?;
        }
        Ok(())
    }
}

/// The picture: nanoseconds a command over live orders.
#[must_use]
pub fn svg(points: &[Point]) -> String {
    let line = |name: &str, ns: &dyn Fn(&Comparison) -> f64| Line {
        name: name.to_owned(),
        points: points.iter().map(|point| (f64::from(point.live_orders), ns(&point.comparison))).collect(),
    };
    let mut lines = vec![line("floor", &|comparison| comparison.floor.median_ns())];
    for (place, name) in ["bare", "full"].into_iter().enumerate() {
        lines.push(line(name, &|comparison| comparison.production[place].cost.median_ns()));
    }
    Chart {
        title: "Matcher against the floor over the size of the books".to_owned(),
        across: Axis { name: "live orders".to_owned(), logarithmic: true },
        up: Axis { name: "nanoseconds a command".to_owned(), logarithmic: false },
        lines,
    }
    .svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_line_for_each_and_a_mark_for_each_size() {
        let points: Vec<Point> =
            [1_000, 2_000].map(|size| point(size, 1, 2_000, 1).expect("equal work")).into();
        let picture = svg(&points);
        assert_eq!(picture.matches("<polyline").count(), 3);
        assert!(!picture.contains("NaN"));
        assert_eq!(points[1].json()["live_orders"], 2_000);
    }
}
