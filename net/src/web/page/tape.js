// The last trades, newest first. The oldest row is taken, rewritten and put on top, so the page's size never changes.

import { clock, fixed, venueTime } from "./numbers.js";

const ROWS_MAX = 60;
const PACE_SECONDS = 10;

export class Tape {
  constructor(page) {
    this.page = page;
    this.clear();
  }

  clear() {
    this.waiting = [];
    this.last = -1;
    this.times = [];
    this.page.tape.replaceChildren();
  }

  /** A trade as the streams tell it: t id, p price, q quantity, T time, m whether the buyer is the maker. */
  add(trade) {
    if (trade.t <= this.last) return;
    this.last = trade.t;
    this.waiting.push(trade);
    // What came while nobody looked: only what still fits is drawn.
    if (this.waiting.length > ROWS_MAX) this.waiting.splice(0, this.waiting.length - ROWS_MAX);
  }

  draw(scale, at) {
    const list = this.page.tape;
    for (const trade of this.waiting) {
      const full = list.childElementCount >= ROWS_MAX;
      const row = full ? list.lastElementChild : this.#row();
      row.dataset.side = trade.m ? "sell" : "buy";
      const [time, price, quantity] = row.children;
      time.textContent = clock(venueTime(trade.T));
      price.firstChild.data = fixed(trade.p, scale.price);
      price.lastChild.textContent = trade.m ? " sold" : " bought";
      quantity.textContent = fixed(trade.q, scale.quantity);
      list.prepend(row);
      this.times.push(venueTime(trade.T));
    }
    this.waiting.length = 0;
    this.times = this.times.filter((time) => time > at - PACE_SECONDS * 1000);
    const pace = `${(this.times.length / PACE_SECONDS).toFixed(1)} a second`;
    if (this.page.pace.textContent !== pace) this.page.pace.textContent = pace;
  }

  #row() {
    const row = document.createElement("div");
    row.className = "row";
    row.setAttribute("role", "row");
    for (const name of ["time", "price", "quantity"]) {
      const cell = document.createElement("span");
      cell.className = name;
      cell.setAttribute("role", "cell");
      row.append(cell);
    }
    // Colour alone would not tell everyone who came to trade.
    const side = document.createElement("span");
    side.className = "unseen";
    row.children[1].append("", side);
    return row;
  }
}
