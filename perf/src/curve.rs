//! The matcher against the floor over the size of the books, as a table and as a picture.

use crate::histogram::rounded;
use crate::matcher::{Comparison, UnequalWork, compare};
use crate::production::Mode;
use crate::workload::{Flow, Workload};
use serde_json::{Value, json};
use std::fmt::Write as _;

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

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const MARGIN: f64 = 50.0;

/// The picture: nanoseconds a command over live orders, the latter on a logarithmic scale.
#[must_use]
pub fn svg(points: &[Point]) -> String {
    let floor: Vec<f64> = points.iter().map(|point| point.comparison.floor.median_ns()).collect();
    let mut lines = vec![("floor", "#808080", floor)];
    for (place, (name, color)) in [("bare", "#1f6feb"), ("full", "#d1542b")].into_iter().enumerate() {
        let ns = |point: &Point| {
            point.comparison.production.get(place).map_or(f64::NAN, |measured| measured.cost.median_ns())
        };
        lines.push((name, color, points.iter().map(ns).collect()));
    }
    let top = lines.iter().flat_map(|(_, _, values)| values).fold(1.0f64, |top, &ns| top.max(ns));
    let top = (top / 50.0).ceil() * 50.0;
    let bounds = |point: Option<&Point>| point.map_or(0.0, |point| f64::from(point.live_orders).log10());
    let (left, right) = (bounds(points.first()), bounds(points.last()));
    let x = |live_orders: u32| {
        MARGIN + (f64::from(live_orders).log10() - left) / (right - left).max(1.0) * (WIDTH - 2.0 * MARGIN)
    };
    let y = |ns: f64| HEIGHT - MARGIN - ns / top * (HEIGHT - 2.0 * MARGIN);
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"14\">Matcher: ns a command over live orders</text>\n"
    );
    let mut add = |part: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _ = picture.write_fmt(part);
    };
    for step in 0..=4 {
        let ns = top / 4.0 * f64::from(step);
        let (at, end) = (y(ns), WIDTH - MARGIN);
        add(format_args!(
            "<line x1=\"{MARGIN}\" x2=\"{end}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ns:.0}</text>\n",
            MARGIN - 6.0,
            at + 4.0
        ));
    }
    for point in points {
        add(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n",
            x(point.live_orders),
            HEIGHT - MARGIN + 18.0,
            short(point.live_orders)
        ));
    }
    for (name, color, values) in &lines {
        let path = points.iter().zip(values).fold(String::new(), |mut path, (point, &ns)| {
            let _ = write!(path, "{:.1},{:.1} ", x(point.live_orders), y(ns));
            path
        });
        let end = values.last().map_or(0.0, |&ns| y(ns));
        add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{end:.1}\" fill=\"{color}\">{name}</text>\n",
            path.trim_end(),
            WIDTH - MARGIN + 6.0
        ));
    }
    picture + "</svg>\n"
}

fn short(count: u32) -> String {
    match count {
        1_000_000.. => format!("{} M", count / 1_000_000),
        _ => format!("{} k", count / 1_000),
    }
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
        assert!(picture.contains(">1 k<") && picture.contains(">2 k<") && !picture.contains("NaN"));
        assert_eq!(points[1].json()["live_orders"], 2_000);
    }
}
