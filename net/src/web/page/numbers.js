// Amounts travel as decimal text. They are shown from that text, so that no digit is lost on the way to the eye.

/** Digits behind the point that a step such as "0.01000000" needs. */
export function decimals(step) {
  const fraction = (step.split(".")[1] ?? "").replace(/0+$/, "");
  return fraction.length;
}

/** "68000.5" with two digits: "68,000.50". */
export function fixed(text, digits) {
  const [whole, fraction = ""] = String(text).split(".");
  const sign = whole.startsWith("-") ? "−" : "";
  const grouped = whole.replace("-", "").replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + grouped + (digits ? "." + fraction.slice(0, digits).padEnd(digits, "0") : "");
}

/** A sum or volume, of which only the leading digits matter: "1,234", "12.3", "0.0451", "4.51 M". */
export function brief(value) {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1e9) return (value / 1e9).toPrecision(4) + " B";
  if (value >= 1e6) return (value / 1e6).toPrecision(4) + " M";
  if (value >= 1000) return fixed(value.toFixed(0), 0);
  if (value >= 1) return value.toPrecision(4);
  return value === 0 ? "0" : value.toFixed(Math.min(8, 3 - Math.floor(Math.log10(value))));
}

/** Milliseconds for a reader: "0.4 ms", "12 ms", "1.20 s". */
export function milliseconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value >= 1000) return (value / 1000).toFixed(2) + " s";
  return (value < 10 ? value.toFixed(1) : value.toFixed(0)) + " ms";
}

/** The time of day, to the second or to the millisecond. */
export function clock(at, fine = false) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return fine ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

/** Venue times are milliseconds, or microseconds where asked for: as milliseconds. */
export function venueTime(value) {
  return value > 1e14 ? value / 1000 : value;
}
