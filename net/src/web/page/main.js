// What is shown, from what the venue tells. Messages only change state; one animation frame draws what changed, however
// many there were.

import { LiveBook } from "./book.js";
import { Chart } from "./chart.js";
import { Ladder } from "./ladder.js";
import { Latency, drawLatency } from "./latency.js";
import { brief, decimals, fixed, milliseconds, venueTime } from "./numbers.js";
import { Picker } from "./picker.js";
import { Tape } from "./tape.js";
import { Connection, ask, clockAhead, now } from "./venue.js";

const SNAPSHOT_LEVELS = 1000;
const TRADES_ASKED = 500;
const CANDLES_ASKED = 300;
const INTERVALS = [["live", "Live"], ["1s", "1 s"], ["1m", "1 min"], ["5m", "5 min"], ["1h", "1 h"]];
const CHART_FRAME_MS = 50;
const SLOW_FRAME_MS = 500;
const START_AGAIN_MS = 1000;
const BOOK_STATES = {
  loading: "Book loading",
  verified: "Book verified",
  unverified: "Book not verified",
  different: "Book differed, loading again",
};
const CLOCK_EVERY_MS = 60_000;

// The page's elements by their id: "latency-now" is page.latencyNow.
const page = {};
for (const element of document.querySelectorAll("[id]")) {
  page[element.id.replace(/-./g, (dash) => dash[1].toUpperCase())] = element;
}
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const canvases = { chart: page.chart, latency: page.latency };

const state = {
  instruments: new Map(),
  instrument: undefined,
  scale: { price: 2, quantity: 4 },
  ticker: undefined,
  last: undefined,
  ahead: 0,
  paused: false,
};

// One frame is asked for at a time; the times are of the last chart and of the last slow figures.
const drawing = { asked: false, chart: 0, slow: 0 };

const latency = new Latency();
const chart = new Chart(canvases.chart, page.legend);
const tape = new Tape(page);
const ladder = new Ladder(page, () => changed());
const book = new LiveBook((symbol) => ask("depth", { symbol, limit: SNAPSHOT_LEVELS }), () => changed());
const connection = new Connection(told, received);
const picker = new Picker(page, choose);

function told(name, detail) {
  const texts = { connecting: "Connecting", live: "Live", waiting: `Reconnecting in ${Math.ceil(detail)} s` };
  setState(page.connection, name, texts[name]);
  if (name === "live") {
    if (detail) measureClock();
    if (detail || !book.loaded) restart();
  } else if (name === "waiting") {
    book.restart(state.instrument?.symbol ?? "");
  }
  drawVerified();
}

function received(stream, data, at) {
  const kind = stream.split("@")[1];
  if (data.s !== state.instrument?.symbol) return;
  if (data.E !== undefined && kind !== "ticker" && !kind.startsWith("kline")) {
    latency.add(at + state.ahead - venueTime(data.E), at);
  }
  if (kind === "depth") {
    book.receive(data);
    const { bid, ask: offer } = book.book.best;
    if (bid && offer) chart.quote(at, Number(bid.price), Number(offer.price));
  } else if (kind === "trade") {
    addTrade(data, at);
  } else if (kind === "ticker") {
    state.ticker = data;
  } else if (kind.startsWith("kline") && kind.slice(6) === chart.interval) {
    const { t, o, h, l, c, v } = data.k;
    chart.candle({ at: venueTime(t), open: +o, high: +h, low: +l, close: +c, volume: +v });
  }
  changed();
}

function addTrade(trade, at) {
  if (trade.t <= tape.last) return;
  tape.add(trade);
  chart.trade(at, Number(trade.p), Number(trade.q), trade.m);
  state.last = { text: trade.p, sold: trade.m };
}

function streams() {
  const name = state.instrument.symbol.toLowerCase();
  const wanted = ["depth@100ms", "trade", "ticker"];
  if (chart.interval !== "live") wanted.push(`kline_${chart.interval}`);
  return wanted.map((kind) => `${name}@${kind}`);
}

function choose(symbol) {
  state.instrument = state.instruments.get(symbol);
  state.scale = state.instrument.scale;
  state.ticker = state.last = undefined;
  history.replaceState(null, "", `#${symbol}`);
  picker.show(symbol);
  page.base.textContent = state.instrument.base;
  page.quoted.textContent = state.instrument.quote ? ` / ${state.instrument.quote}` : "";
  clear();
  connection.follow(streams());
}

function clear() {
  latency.clear();
  tape.clear();
  chart.clear();
  book.restart(state.instrument.symbol);
}

/** All of the instrument anew: what was missed while there was no connection is not guessed. */
function restart() {
  const { symbol } = state.instrument;
  clear();
  book.load();
  const mine = (then) => (answer) => state.instrument.symbol === symbol && (then(answer), changed());
  ask("trades", { symbol, limit: TRADES_ASKED })
    .then(mine((trades) => {
      const early = tape.waiting.splice(0);
      tape.last = -1;
      for (const { id, price, qty, time, isBuyerMaker } of trades) {
        addTrade({ t: id, p: price, q: qty, T: time, m: isBuyerMaker }, venueTime(time) - state.ahead);
      }
      for (const trade of early) addTrade(trade, venueTime(trade.T) - state.ahead);
    }))
    .catch(() => {});
  ask("ticker/24hr", { symbol }).then(mine(({ lastPrice, priceChange, priceChangePercent, highPrice, lowPrice, volume, count }) => {
    state.ticker ??= { c: lastPrice, p: priceChange, P: priceChangePercent, h: highPrice, l: lowPrice, v: volume, n: count };
  })).catch(() => {});
  loadCandles();
}

function loadCandles() {
  const { interval } = chart;
  if (interval === "live") return;
  const { symbol } = state.instrument;
  ask("klines", { symbol, interval, limit: CANDLES_ASKED }).then((candles) => {
    if (chart.interval !== interval || state.instrument.symbol !== symbol) return;
    const newer = chart.candles;
    chart.show(interval);
    for (const [t, o, h, l, c, v] of candles) {
      chart.candle({ at: venueTime(t), open: +o, high: +h, low: +l, close: +c, volume: +v });
    }
    newer.forEach((candle) => chart.candle(candle));
    changed();
  }).catch(() => {});
}

function measureClock() {
  clockAhead().then((ahead) => (state.ahead = ahead)).catch(() => {});
}

function changed() {
  if (drawing.asked) return;
  drawing.asked = true;
  requestAnimationFrame(draw);
}

function draw(frame) {
  drawing.asked = false;
  if (state.paused || !state.instrument) return;
  const at = now();
  ladder.draw(book.book, state.scale);
  tape.draw(state.scale, at + state.ahead);
  drawQuote();
  if (frame - drawing.chart >= (calm.matches ? 1000 : CHART_FRAME_MS)) {
    drawing.chart = frame;
    chart.draw(at, state.scale);
  }
  if (frame - drawing.slow >= SLOW_FRAME_MS) {
    drawing.slow = frame;
    drawSlow(at);
  }
  // The live chart moves also when nothing happens.
  if (chart.interval === "live" && !calm.matches) setTimeout(changed, CHART_FRAME_MS);
}

function drawVerified() {
  setState(page.verified, book.state, BOOK_STATES[book.state]);
}

function drawSlow(at) {
  drawVerified();
  const { total, p50, p99 } = latency.minute(at);
  text(page.latencyNow, milliseconds(latency.last));
  text(page.latencyP50, total ? milliseconds(p50) : "–");
  text(page.latencyP99, total ? milliseconds(p99) : "–");
  drawLatency(canvases.latency, latency);
  text(page.checked, book.checks ? `${fixed(book.checks, 0)} updates checked` : "");
}

function drawQuote() {
  const ticker = state.ticker;
  const last = state.last?.text ?? ticker?.c;
  const shown = last && Number(last) ? fixed(last, state.scale.price) : "–";
  if (text(page.last, shown)) document.title = shown === "–" ? "Rotunda" : `${shown} ${state.instrument.symbol} · Rotunda`;
  page.last.dataset.side = state.last ? (state.last.sold ? "sell" : "buy") : "";
  if (!ticker) return;
  const share = Number(ticker.P);
  const signed = (value, digits) => (Number(value) > 0 ? "+" : "") + fixed(value, digits);
  text(page.changeText, `${signed(ticker.p, state.scale.price)}  ${signed(share.toFixed(2), 2)} %`);
  page.change.dataset.side = share > 0 ? "buy" : share < 0 ? "sell" : "";
  text(page.high, fixed(ticker.h, state.scale.price));
  text(page.low, fixed(ticker.l, state.scale.price));
  text(page.volume, `${brief(Number(ticker.v))} ${state.instrument.base}`);
  text(page.count, fixed(ticker.n, 0));
}

function text(element, value) {
  if (element.textContent === value) return false;
  element.textContent = value;
  return true;
}

function setState(element, name, words) {
  if (element.dataset.state !== name) element.dataset.state = name;
  text(element.querySelector("[data-text]"), words);
}

function intervals() {
  for (const [value, words] of INTERVALS) {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "interval", value, checked: value === chart.interval });
    const name = document.createElement("span");
    name.textContent = words;
    label.append(radio, name);
    page.intervals.append(label);
  }
  page.intervals.addEventListener("change", (event) => {
    chart.show(event.target.value);
    connection.follow(streams());
    loadCandles();
    changed();
  });
}

page.pause.addEventListener("click", () => {
  state.paused = !state.paused;
  page.pause.setAttribute("aria-pressed", String(state.paused));
  page.pause.textContent = state.paused ? "Resume" : "Pause";
  document.body.classList.toggle("paused", state.paused);
  changed();
});

async function start() {
  try {
    const { symbols } = await ask("exchangeInfo");
    for (const { symbol, baseAsset, quoteAsset, filters } of symbols) {
      const filter = (kind) => filters.find((candidate) => candidate.filterType === kind);
      const scale = {
        price: decimals(filter("PRICE_FILTER")?.tickSize ?? "0.01"),
        quantity: decimals(filter("LOT_SIZE")?.stepSize ?? "0.0001"),
      };
      state.instruments.set(symbol, { symbol, base: baseAsset, quote: quoteAsset, scale });
    }
  } catch {
    // Asked again below: a venue that opens tells of its instruments a moment later.
  }
  if (!state.instruments.size) {
    setState(page.connection, "waiting", "Waiting for the venue");
    setTimeout(start, START_AGAIN_MS);
    return;
  }
  picker.fill([...state.instruments.values()]);
  const named = decodeURIComponent(location.hash.slice(1)).toUpperCase();
  choose(state.instruments.has(named) ? named : state.instruments.keys().next().value);
  setInterval(changed, SLOW_FRAME_MS);
  setInterval(measureClock, CLOCK_EVERY_MS);
}

intervals();
start();
