//! Progress bars on long work: on a terminal only, and on the error stream, so that output stays data.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// The bar is drawn at most this often.
const REDRAW: Duration = Duration::from_millis(100);

/// A bar over `length` steps of `unit`; shows nothing where the error stream is no terminal.
pub(crate) fn bar(length: u64, unit: &'static str) -> ProgressBar {
    let template = "{elapsed_precise} {wide_bar} {human_pos}/{human_len} {msg} ({per_sec}, {eta} left)";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style).with_message(unit);
    bar.enable_steady_tick(REDRAW);
    bar
}
