// Which instrument is shown: radio buttons, so that arrow keys and screen readers work as everyone knows them.

const SEARCH_FROM = 13;

export class Picker {
  constructor(page, picked) {
    this.page = page;
    this.entries = new Map();
    page.instruments.addEventListener("change", (event) => picked(event.target.value));
    page.search.addEventListener("input", () => this.#filter());
    // A wheel turns the strip where it is too long for the page.
    page.instruments.addEventListener("wheel", (event) => {
      if (event.deltaX === 0) page.instruments.scrollLeft += event.deltaY;
    }, { passive: true });
  }

  fill(instruments) {
    this.page.search.hidden = instruments.length < SEARCH_FROM;
    this.page.instruments.replaceChildren();
    for (const instrument of instruments) {
      const label = document.createElement("label");
      const radio = document.createElement("input");
      const name = document.createElement("span");
      radio.type = "radio";
      radio.name = "instrument";
      radio.value = instrument.symbol;
      name.textContent = instrument.symbol;
      label.append(radio, name);
      this.page.instruments.append(label);
      this.entries.set(instrument.symbol, { label, radio });
    }
  }

  show(symbol) {
    const entry = this.entries.get(symbol);
    entry.radio.checked = true;
    entry.label.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #filter() {
    const wanted = this.page.search.value.trim().toUpperCase();
    for (const [symbol, { label }] of this.entries) label.hidden = !symbol.includes(wanted);
  }
}
