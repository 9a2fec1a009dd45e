// Latencies of the last minute: a histogram for each second, so that memory is fixed whatever the rate.

import { palette, prepare } from "./canvas.js";

const SECONDS = 60;
const BUCKETS = 192;
const SMALLEST_MS = 0.05;
const NAMES_PX = 46;
const LINE_PX = 14;
const RATIO = 1.06; // the width of a bucket: what a quantile may be off

function bucket(value) {
  if (value <= SMALLEST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(value / SMALLEST_MS) / Math.log(RATIO)));
}

function quantile(counts, total, share) {
  let left = Math.ceil(total * share);
  for (let index = 0; index < BUCKETS; index++) {
    left -= counts[index];
    if (left <= 0) return SMALLEST_MS * RATIO ** index;
  }
  return NaN;
}

export class Latency {
  constructor() {
    this.counts = Array.from({ length: SECONDS }, () => new Uint32Array(BUCKETS));
    this.totals = new Uint32Array(SECONDS);
    this.second = 0;
    this.last = NaN;
  }

  clear() {
    for (const counts of this.counts) counts.fill(0);
    this.totals.fill(0);
    this.last = NaN;
  }

  #turn(at) {
    const second = Math.floor(at / 1000);
    const passed = Math.min(second - this.second, SECONDS);
    for (let step = 1; step <= passed; step++) {
      const slot = (((second - passed + step) % SECONDS) + SECONDS) % SECONDS;
      this.counts[slot].fill(0);
      this.totals[slot] = 0;
    }
    if (passed > 0) this.second = second;
    return this.second % SECONDS;
  }

  /** One message that arrived at `at` (ms), `value` ms after its event. */
  add(value, at) {
    const slot = this.#turn(at);
    this.last = Math.max(value, 0);
    this.counts[slot][bucket(this.last)] += 1;
    this.totals[slot] += 1;
  }

  /** p50 and p99 of the last minute. */
  minute(at) {
    this.#turn(at);
    const sum = new Uint32Array(BUCKETS);
    let total = 0;
    for (let slot = 0; slot < SECONDS; slot++) {
      total += this.totals[slot];
      for (let index = 0; index < BUCKETS; index++) sum[index] += this.counts[slot][index];
    }
    return { total, p50: quantile(sum, total, 0.5), p99: quantile(sum, total, 0.99) };
  }

  /** Median and p99 of each second, oldest first; NaN where nothing arrived. */
  seconds() {
    return Array.from({ length: SECONDS }, (_, age) => {
      const slot = (this.second + 1 + age) % SECONDS;
      const total = this.totals[slot];
      const of = (share) => (total ? quantile(this.counts[slot], total, share) : NaN);
      return { p50: of(0.5), p99: of(0.99) };
    });
  }
}

/** One column a second: the median solid, the p99 above it light. Heights are logarithmic from 0.1 ms. */
export function drawLatency(canvas, latency) {
  const { context, width: whole, height } = prepare(canvas);
  const width = whole - NAMES_PX;
  const colors = palette();
  const seconds = latency.seconds();
  const highest = Math.max(10, ...seconds.map((second) => second.p99 || 0));
  const up = (value) => Math.max(1.5, (Math.log(Math.max(value, 0.1) / 0.1) / Math.log(highest / 0.1)) * (height - 14));
  const step = width / SECONDS;
  const thick = Math.max(1, Math.min(step - 2, 10));
  context.font = colors.font;
  context.textAlign = "right";
  context.textBaseline = "bottom";
  let named = height;
  for (let line = 0.1; line <= highest; line *= 10) {
    const y = Math.round(height - (line > 0.1 ? up(line) : 1));
    context.fillStyle = colors.rule;
    context.fillRect(0, y, whole, 1);
    if (named - y < LINE_PX) continue;
    named = y;
    context.fillStyle = colors.muted;
    context.fillText(line < 1000 ? `${line.toFixed(0)} ms` : `${(line / 1000).toFixed(0)} s`, whole, y);
  }
  seconds.forEach((second, index) => {
    if (Number.isNaN(second.p50)) return;
    const left = index * step + (step - thick) / 2;
    context.fillStyle = colors.ink;
    context.globalAlpha = 0.22;
    context.fillRect(left, height - up(second.p99), thick, up(second.p99));
    context.globalAlpha = 0.8;
    context.fillRect(left, height - up(second.p50), thick, up(second.p50));
    context.globalAlpha = 1;
  });
}
