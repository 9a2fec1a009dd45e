// The best levels of both sides. Rows are made once and rewritten only where they differ from what they show.

import { brief, fixed } from "./numbers.js";

const ROWS_MIN = 5;
const ROWS_MAX = 40;
const ROWS_SIDE_BY_SIDE = 10;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const stacked = matchMedia("(min-width: 1000px)");

class Row {
  constructor() {
    this.element = document.createElement("div");
    this.element.className = "row";
    this.element.setAttribute("role", "row");
    this.flash = document.createElement("i");
    this.flash.className = "flash";
    this.bar = document.createElement("i");
    this.bar.className = "bar";
    this.cells = ["price", "quantity", "total"].map((name) => {
      const cell = document.createElement("span");
      cell.className = name;
      cell.setAttribute("role", "cell");
      return cell;
    });
    for (const mark of [this.bar, this.flash]) mark.setAttribute("aria-hidden", "true");
    this.element.append(this.bar, this.flash, ...this.cells);
    this.shown = ["", "", ""];
    this.share = 0;
    this.level = "";
  }

  /** Shows the texts; `share` is the length of the bar from 0 to 1. */
  write(texts, share, level) {
    const sameLevel = this.level === level;
    const changed = sameLevel && this.shown[1] !== texts[1];
    texts.forEach((text, index) => {
      if (this.shown[index] !== text) this.cells[index].textContent = this.shown[index] = text;
    });
    if (Math.abs(this.share - share) > 0.002 || (share === 0) !== (this.share === 0)) {
      this.share = share;
      this.bar.style.transform = `scaleX(${share.toFixed(3)})`;
    }
    this.level = level;
    if (changed && !calm.matches) this.#blink();
  }

  #blink() {
    if (this.animation?.playState === "running") return;
    this.animation = this.flash.animate([{ opacity: 0.13 }, { opacity: 0 }], { duration: 450, easing: "ease-out" });
  }
}

export class Ladder {
  constructor(page, redraw) {
    this.page = page;
    this.rows = { bids: [], asks: [] };
    const resize = () => {
      this.#resize();
      redraw();
    };
    new ResizeObserver(resize).observe(page.sides);
    stacked.addEventListener("change", resize);
    this.#resize();
  }

  #resize() {
    let count = ROWS_SIDE_BY_SIDE;
    const style = getComputedStyle(this.page.sides);
    let high = parseFloat(style.getPropertyValue("--row"));
    if (stacked.matches) {
      const rest = this.page.sides.clientHeight - parseFloat(style.getPropertyValue("--ladder-rest"));
      count = Math.floor(rest / high / 2);
      count = Math.min(ROWS_MAX, Math.max(ROWS_MIN, count));
      high = Math.max(high, rest / count / 2);
    }
    // What is left over is shared by the rows.
    this.page.sides.style.setProperty("--row-fit", `${high}px`);
    for (const side of ["bids", "asks"]) {
      const rows = this.rows[side];
      while (rows.length > count) rows.pop().element.remove();
      while (rows.length < count) {
        const row = new Row();
        rows.push(row);
        this.page[side].append(row.element);
      }
    }
  }

  draw(book, scale) {
    const sums = {};
    let most = 0;
    for (const side of ["bids", "asks"]) {
      let sum = 0;
      sums[side] = book[side].levels.slice(0, this.rows[side].length).map((level) => (sum += level.amount));
      most = Math.max(most, sum);
    }
    for (const side of ["bids", "asks"]) {
      this.rows[side].forEach((row, index) => {
        const level = book[side].levels[index];
        if (!level) return row.write(["", "", ""], 0, "");
        const texts = [fixed(level.price, scale.price), fixed(level.quantity, scale.quantity), brief(sums[side][index])];
        row.write(texts, sums[side][index] / most, level.price);
      });
    }
    this.#middle(book, scale);
  }

  #middle(book, scale) {
    const { bid, ask } = book.best;
    const known = bid && ask;
    const middle = known ? (Number(bid.price) + Number(ask.price)) / 2 : NaN;
    const spread = known ? Number(ask.price) - Number(bid.price) : NaN;
    const points = known ? ` · ${((spread / middle) * 10_000).toFixed(1)} bp` : "";
    this.#text(this.page.spread, known ? fixed(spread.toFixed(scale.price), scale.price) + points : "–");
    this.#text(this.page.middle, known ? fixed(middle.toFixed(scale.price + 1), scale.price + 1) : "–");
  }

  #text(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}
