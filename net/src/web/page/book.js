// A book built from one snapshot and the diffs after it, which proves itself: the venue sends the checksum of its own
// best levels with each diff, and a book that gives another one is not shown as right.

export const CHECKED_LEVELS = 10;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC32 (IEEE) of ASCII text. */
export function crc32(text) {
  let value = 0xffffffff;
  for (let at = 0; at < text.length; at++) value = TABLE[(value ^ text.charCodeAt(at)) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** One side, best level first. `direction` is 1 where lower is better. */
class Side {
  constructor(direction) {
    this.direction = direction;
    this.levels = [];
  }

  set(price, quantity) {
    const levels = this.levels;
    const value = Number(price) * this.direction;
    let low = 0;
    let high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (levels[middle].rank < value) low = middle + 1;
      else high = middle;
    }
    const amount = Number(quantity);
    const there = low < levels.length && levels[low].rank === value;
    if (amount === 0) {
      if (there) levels.splice(low, 1);
    } else if (there) {
      levels[low].quantity = quantity;
      levels[low].amount = amount;
    } else {
      levels.splice(low, 0, { rank: value, price, quantity, amount });
    }
  }

  load(pairs) {
    this.levels.length = 0;
    for (const [price, quantity] of pairs) this.set(price, quantity);
  }
}

export class Book {
  constructor() {
    this.bids = new Side(-1);
    this.asks = new Side(1);
    this.update = 0;
  }

  load(snapshot) {
    this.bids.load(snapshot.bids);
    this.asks.load(snapshot.asks);
    this.update = snapshot.lastUpdateId;
  }

  /** "old": it holds nothing new; "gap": something before it is missing; "applied". */
  apply(diff) {
    if (diff.u <= this.update) return "old";
    if (diff.U > this.update + 1) return "gap";
    for (const [price, quantity] of diff.b) this.bids.set(price, quantity);
    for (const [price, quantity] of diff.a) this.asks.set(price, quantity);
    this.update = diff.u;
    return "applied";
  }

  /** As the venue counts it: the best levels as price:quantity joined by commas, bids before asks. */
  checksum() {
    const pairs = [];
    for (const side of [this.bids, this.asks]) {
      for (const level of side.levels.slice(0, CHECKED_LEVELS)) pairs.push(`${level.price}:${level.quantity}`);
    }
    return crc32(pairs.join(","));
  }

  get best() {
    return { bid: this.bids.levels[0], ask: this.asks.levels[0] };
  }
}

// Diffs that may wait for the snapshot; a venue that needs longer than these is asked anew.
const WAITING_MAX = 2000;
const RELOAD_MS = 500;

/**
 * Keeps a Book equal to the venue's. `fetchSnapshot(symbol)` gives a promise of the REST snapshot; `changed()` is called
 * after each step. `state` is "loading", "verified", "unverified" (the venue sends no checksum) or "different".
 */
export class LiveBook {
  constructor(fetchSnapshot, changed) {
    this.fetchSnapshot = fetchSnapshot;
    this.changed = changed;
    this.symbol = "";
    this.restart("");
  }

  /** Forgets what it had: another instrument, or a connection that was lost. */
  restart(symbol, state = "loading") {
    this.symbol = symbol;
    this.book = new Book();
    this.state = state;
    this.waiting = [];
    this.loaded = false;
    this.checks = 0;
    this.turn = {}; // an answer that was asked for earlier belongs to another turn
    this.changed();
  }

  async load() {
    const turn = this.turn;
    try {
      const snapshot = await this.fetchSnapshot(this.symbol);
      if (turn !== this.turn) return;
      this.book.load(snapshot);
      this.loaded = true;
      for (const diff of this.waiting.splice(0)) this.receive(diff);
      this.changed();
    } catch {
      if (turn === this.turn) setTimeout(() => turn === this.turn && this.load(), RELOAD_MS);
    }
  }

  receive(diff) {
    if (diff.s !== this.symbol) return;
    if (!this.loaded) {
      this.waiting.push(diff);
      if (this.waiting.length > WAITING_MAX) this.#again("loading");
      return;
    }
    const outcome = this.book.apply(diff);
    if (outcome === "gap") {
      this.#again("loading", diff);
    } else if (outcome === "applied") {
      this.#check(diff);
      this.changed();
    }
  }

  #check(diff) {
    if (diff.c === undefined) {
      this.state = "unverified";
    } else if (Number(diff.c) === this.book.checksum()) {
      this.state = "verified";
      this.checks += 1;
    } else {
      this.#again("different");
    }
  }

  #again(state, diff) {
    this.restart(this.symbol, state);
    if (diff) this.waiting.push(diff);
    const turn = this.turn;
    setTimeout(() => turn === this.turn && this.load(), RELOAD_MS);
  }
}
