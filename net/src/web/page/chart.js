// The price on a canvas: the last minute as best bid, best ask and trades, or candles.

import { palette, prepare } from "./canvas.js";
import { brief, clock, fixed } from "./numbers.js";

const LIVE_MS = 60_000;
const LIVE_POINTS_MAX = 4096;
const CANDLE_PX = 9;
const CANDLES_MAX = 500;
const BOTTOM_PX = 20;
const VOLUME_SHARE = 0.16;
const TICKS = [1, 2, 2.5, 5, 10];

/** Values a reader finds easy, at most `count` of them, between low and high. */
function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * TICKS.find((factor) => factor * power >= raw);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high && found.length < 20; value += step) found.push(value);
  return found;
}

export class Chart {
  constructor(canvas, legend) {
    this.canvas = canvas;
    this.legend = legend;
    this.interval = "live";
    this.clear();
    canvas.addEventListener("pointermove", (event) => (this.pointer = event.offsetX));
    canvas.addEventListener("pointerleave", () => (this.pointer = undefined));
  }

  /** Forgets another instrument's prices. */
  clear() {
    this.quotes = []; // {at, bid, ask}
    this.trades = []; // {at, price, quantity, sold}
    this.range = undefined;
    this.show(this.interval);
  }

  show(interval) {
    this.interval = interval;
    this.candles = []; // {at, open, high, low, close, volume}
    this.pointer = undefined;
  }

  quote(at, bid, ask) {
    const last = this.quotes.at(-1);
    if (last && last.bid === bid && last.ask === ask) return;
    this.quotes.push({ at, bid, ask });
    if (this.quotes.length > LIVE_POINTS_MAX) this.quotes.splice(0, LIVE_POINTS_MAX / 4);
  }

  trade(at, price, quantity, sold) {
    this.trades.push({ at, price, quantity, sold });
    if (this.trades.length > LIVE_POINTS_MAX) this.trades.splice(0, LIVE_POINTS_MAX / 4);
  }

  candle(candle) {
    const last = this.candles.at(-1);
    if (last && candle.at < last.at) return;
    if (last && candle.at === last.at) this.candles[this.candles.length - 1] = candle;
    else this.candles.push(candle);
    if (this.candles.length > CANDLES_MAX) this.candles.shift();
  }

  draw(at, scale) {
    const view = prepare(this.canvas);
    view.colors = palette();
    view.scale = scale;
    view.context.font = view.colors.font;
    view.right = view.context.measureText(fixed("9".repeat(1) + this.#widest(scale), scale.price)).width + 14;
    view.plot = { width: view.width - view.right, height: view.height - BOTTOM_PX };
    if (view.plot.width < 40 || view.plot.height < 40) return;
    if (this.interval === "live") this.#live(view, at);
    else this.#history(view);
  }

  #widest(scale) {
    const price = this.trades.at(-1)?.price ?? this.quotes.at(-1)?.ask ?? this.candles.at(-1)?.close ?? 0;
    return price.toFixed(scale.price);
  }

  // A range that jumped with each price would hide the price's own movement.
  #ease(low, high) {
    const pad = Math.max((high - low) * 0.12, high * 1e-6, 1e-9);
    const goal = { low: low - pad, high: high + pad };
    if (!this.range) this.range = goal;
    for (const end of ["low", "high"]) {
      const outward = end === "low" ? goal.low < this.range.low : goal.high > this.range.high;
      this.range[end] += (goal[end] - this.range[end]) * (outward ? 0.5 : 0.08);
    }
    return this.range;
  }

  #live(view, at) {
    const { context, colors, plot } = view;
    const start = at - LIVE_MS;
    const trades = this.trades.filter((trade) => trade.at >= start);
    const first = this.quotes.findLastIndex((quote) => quote.at < start);
    const quotes = this.quotes.slice(Math.max(first, 0));
    const prices = trades.map((trade) => trade.price);
    for (const quote of quotes) prices.push(quote.bid, quote.ask);
    if (!prices.length) return this.#empty(view, "Nothing has traded yet");
    const { low, high } = this.#ease(Math.min(...prices), Math.max(...prices));
    const x = (time) => ((time - start) / LIVE_MS) * plot.width;
    const y = (price) => plot.height - ((price - low) / (high - low)) * plot.height;
    const last = quotes.at(-1);
    this.#grid(view, low, high, y, last ? [last.bid, last.ask] : []);
    for (const age of [60, 45, 30, 15]) {
      this.#label(view, x(at - age * 1000), `−${age} s`, age === 60 ? "left" : "center");
    }
    this.#label(view, plot.width, "now", "right");

    context.save();
    context.beginPath();
    context.rect(0, 0, plot.width, plot.height);
    context.clip();
    if (quotes.length) this.#band(view, quotes, at, x, y);
    const most = Math.max(...trades.map((trade) => trade.quantity));
    const small = Math.min(1, plot.width / 560);
    for (const trade of trades) {
      context.beginPath();
      context.arc(x(trade.at), y(trade.price), small * (1.8 + 5.2 * Math.sqrt(trade.quantity / most)), 0, 2 * Math.PI);
      context.fillStyle = trade.sold ? colors.ask : colors.bid;
      context.globalAlpha = 0.72;
      context.fill();
      context.globalAlpha = 1;
    }
    context.restore();
    if (last) {
      this.#tag(view, y(last.bid), last.bid, colors.bid, 1);
      this.#tag(view, y(last.ask), last.ask, colors.ask, -1);
    }
    this.legend.textContent = "best bid and ask, and each trade by its size";
  }

  #band(view, quotes, at, x, y) {
    const { context, colors } = view;
    const line = (name) => {
      quotes.forEach((quote, index) => {
        const end = x(quotes[index + 1]?.at ?? at);
        context.lineTo(x(quote.at), y(quote[name]));
        context.lineTo(end, y(quote[name]));
      });
    };
    context.beginPath();
    line("ask");
    [...quotes].reverse().forEach((quote, index, all) => {
      context.lineTo(x(all[index - 1]?.at ?? at), y(quote.bid));
      context.lineTo(x(quote.at), y(quote.bid));
    });
    context.globalAlpha = 0.07;
    context.fillStyle = colors.ink;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    for (const [name, color] of [["ask", colors.ask], ["bid", colors.bid]]) {
      context.beginPath();
      line(name);
      context.strokeStyle = color;
      context.stroke();
    }
  }

  #history(view) {
    const { context, colors, plot } = view;
    const candles = this.candles.slice(-Math.max(10, Math.floor(plot.width / CANDLE_PX)));
    if (!candles.length) return this.#empty(view, "No candles yet");
    const low = Math.min(...candles.map((candle) => candle.low));
    const high = Math.max(...candles.map((candle) => candle.high));
    const pad = Math.max((high - low) * 0.08, high * 1e-6);
    const volumeHeight = plot.height * VOLUME_SHARE;
    const y = (price) =>
      (plot.height - volumeHeight) * (1 - (price - low + pad) / (high - low + 2 * pad));
    const last = candles.at(-1);
    this.#grid(view, low - pad, high + pad, y, [last.close]);
    const most = Math.max(...candles.map((candle) => candle.volume), Number.MIN_VALUE);
    const x = (index) => plot.width - (candles.length - index - 0.5) * CANDLE_PX;
    const every = Math.ceil(110 / CANDLE_PX);
    const form = { "1s": "seconds", "1h": "days" }[this.interval];
    candles.forEach((candle, index) => {
      context.fillStyle = candle.close >= candle.open ? colors.bid : colors.ask;
      const top = y(Math.max(candle.open, candle.close));
      const body = Math.max(1, y(Math.min(candle.open, candle.close)) - top);
      context.fillRect(x(index) - 0.5, y(candle.high), 1, Math.max(1, y(candle.low) - y(candle.high)));
      context.fillRect(x(index) - CANDLE_PX / 2 + 1.5, top, CANDLE_PX - 3, body);
      context.globalAlpha = 0.25;
      const volume = (candle.volume / most) * (volumeHeight - 6);
      context.fillRect(x(index) - CANDLE_PX / 2 + 1.5, plot.height - volume, CANDLE_PX - 3, volume);
      context.globalAlpha = 1;
      if ((candles.length - 1 - index) % every === Math.floor(every / 2) && x(index) > 30) {
        this.#label(view, x(index), this.#when(candle.at, form), "center");
      }
    });
    this.#tag(view, y(last.close), last.close, last.close >= last.open ? colors.bid : colors.ask, 0);
    let told = last;
    if (this.pointer !== undefined) {
      const index = Math.round(candles.length - 0.5 - (plot.width - this.pointer) / CANDLE_PX);
      told = candles[Math.min(candles.length - 1, Math.max(0, index))];
      context.fillStyle = colors.muted;
      context.fillRect(Math.round(x(candles.indexOf(told))), 0, 1, plot.height);
    }
    const price = (value) => fixed(value.toFixed(view.scale.price), view.scale.price);
    const parts = [this.#when(told.at, form), `O ${price(told.open)}`, `H ${price(told.high)}`];
    parts.push(`L ${price(told.low)}`, `C ${price(told.close)}`, `V ${brief(told.volume)}`);
    this.legend.textContent = parts.join("  ");
  }

  #when(at, form) {
    if (form === "seconds") return clock(at);
    const date = new Date(at);
    return (form === "days" ? `${date.getDate()}.${date.getMonth() + 1}. ` : "") + clock(at).slice(0, 5);
  }

  /** Lines at easy prices; their names leave room for the `tags`. */
  #grid(view, low, high, y, tags) {
    const { context, colors, plot, scale } = view;
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (const price of ticks(low, high, Math.max(2, Math.floor(plot.height / 56)))) {
      context.fillStyle = colors.rule;
      context.fillRect(0, Math.round(y(price)), plot.width, 1);
      context.fillStyle = colors.muted;
      const free = y(price) > 6 && tags.every((tag) => Math.abs(y(tag) - y(price)) > 20);
      if (free) context.fillText(fixed(price.toFixed(scale.price), scale.price), plot.width + 8, y(price));
    }
    context.fillStyle = colors.rule;
    context.fillRect(0, plot.height, plot.width, 1);
  }

  #label(view, x, text, align) {
    const { context, colors, height } = view;
    context.fillStyle = colors.muted;
    context.textBaseline = "bottom";
    context.textAlign = align;
    context.fillText(text, x, height - 2);
  }

  /** A price on the right edge; `shift` moves it half its height, so that bid and ask do not cover each other. */
  #tag(view, y, price, color, shift) {
    const { context, colors, plot, right, scale } = view;
    const high = 17;
    const top = Math.min(plot.height - high, Math.max(0, y - high / 2 + (shift * high) / 2));
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(plot.width + 3, top, right - 3, high, 3);
    context.fill();
    context.fillStyle = colors.paper;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(fixed(price.toFixed(scale.price), scale.price), plot.width + 8, top + high / 2 + 0.5);
  }

  #empty(view, text) {
    view.context.fillStyle = view.colors.muted;
    view.context.textAlign = "center";
    view.context.textBaseline = "middle";
    view.context.fillText(text, view.width / 2, view.height / 2);
    this.legend.textContent = "";
  }
}
