//! Line charts as SVG: what the curves need and no more.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 60.0;
/// Told apart by people who see no colours, too.
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// One direction of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What is counted, and its unit.
    pub name: String,
    /// Equal steps are equal factors. Values must then be above 0.
    pub logarithmic: bool,
}

/// Points, joined in their order.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// Across and up.
    pub points: Vec<(f64, f64)>,
}

/// A chart of several lines.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Above it.
    pub title: String,
    /// From left to right.
    pub across: Axis,
    /// From bottom to top.
    pub up: Axis,
    /// At most four.
    pub lines: Vec<Line>,
}

/// An axis with its range.
struct Scale {
    logarithmic: bool,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(axis: &Axis, values: impl Iterator<Item = f64> + Clone) -> Self {
        let highest = values.clone().fold(f64::MIN_POSITIVE, f64::max);
        let (low, high) = if axis.logarithmic {
            let lowest = values.fold(highest, f64::min).max(f64::MIN_POSITIVE);
            (10f64.powf(lowest.log10().floor()), 10f64.powf(highest.log10().ceil()))
        } else {
            let step = 10f64.powf(highest.log10().floor()) / 2.0;
            (0.0, (highest / step).ceil() * step)
        };
        let high = if high > low { high } else { low + 1.0 };
        Self { logarithmic: axis.logarithmic, low, high }
    }

    /// Where a value lies, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let decades = (self.high / self.low).log10().round() as i32;
            let factors = if decades > 2 { &[1.0][..] } else { &[1.0, 2.0, 5.0] };
            let all = (0..=decades)
                .flat_map(|decade| factors.iter().map(move |factor| factor * self.low * 10f64.powi(decade)));
            all.filter(|tick| *tick <= self.high * 1.001).collect()
        } else {
            (0..=5).map(|part| self.low + f64::from(part) * (self.high - self.low) / 5.0).collect()
        }
    }
}

impl Chart {
    /// Its text.
    #[must_use]
    pub fn svg(&self) -> String {
        let points = self.lines.iter().flat_map(|line| &line.points);
        let across = Scale::of(&self.across, points.clone().map(|point| point.0));
        let up = Scale::of(&self.up, points.map(|point| point.1));
        let x = |value| LEFT + across.share(value) * (WIDTH - LEFT - RIGHT);
        let y = |value| HEIGHT - BOTTOM - up.share(value) * (HEIGHT - TOP - BOTTOM);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut out, (LEFT, 28.0), "start", &self.title);
        text(&mut out, ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14.0), "middle", &self.across.name);
        text(&mut out, (LEFT, TOP - 6.0), "end", &self.up.name);
        for tick in across.ticks() {
            line(&mut out, (x(tick), TOP), (x(tick), HEIGHT - BOTTOM));
            text(&mut out, (x(tick), HEIGHT - BOTTOM + 18.0), "middle", &number(tick));
        }
        for tick in up.ticks() {
            line(&mut out, (LEFT, y(tick)), (WIDTH - RIGHT, y(tick)));
            text(&mut out, (LEFT - 8.0, y(tick) + 4.0), "end", &number(tick));
        }
        for (each, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let places: Vec<String> =
                each.points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect();
            let path = places.join(" ");
            // Writing to a String cannot fail.
            _ = writeln!(
                out,
                "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            );
            if let Some(last) = each.points.last() {
                let place = (x(last.0) + 8.0, y(last.1) + 4.0);
                text(&mut out, place, "start", &each.name);
            }
        }
        out + "</svg>\n"
    }
}

fn number(value: f64) -> String {
    if value == 0.0 || value >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64)) {
    _ = writeln!(
        out,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(out: &mut String, at: (f64, f64), anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#222222\">{words}</text>",
        at.0, at.1
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(logarithmic: bool, points: Vec<(f64, f64)>) -> String {
        let axis = |name: &str| Axis { name: name.to_owned(), logarithmic };
        let lines = vec![Line { name: "a < b".to_owned(), points }];
        Chart { title: "t".to_owned(), across: axis("x"), up: axis("y"), lines }.svg()
    }

    #[test]
    fn the_ends_of_a_line_are_the_corners_of_the_chart() {
        let text = chart(false, vec![(0.0, 0.0), (10.0, 100.0)]);
        assert!(text.contains("points=\"80.0,360.0 610.0,50.0\""), "{text}");
        assert!(text.contains("a &lt; b"));
        let text = chart(true, vec![(1.0, 10.0), (10.0, 1_000.0)]);
        assert!(text.contains("points=\"80.0,360.0 610.0,50.0\""), "{text}");
    }

    #[test]
    fn nothing_measured_is_an_empty_chart_without_strange_numbers() {
        for logarithmic in [false, true] {
            let text = chart(logarithmic, Vec::new());
            assert!(text.ends_with("</svg>\n") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}
