// The page's two roads to the venue that serves it: REST, and one WebSocket that comes back by itself.

const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 5000;
const CHANGE_MS_MIN = 500;
const SILENCE_MS_MAX = 10_000;
const ANSWER_MS_MAX = 10_000;

/** A REST answer as an object; an Error says what the venue answered. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters).toString();
  const response = await fetch(`/api/v3/${path}${query ? "?" + query : ""}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${answer.msg ?? response.status}`);
  return answer;
}

/** Milliseconds since 1970, finer than Date.now where the browser allows it. */
export function now() {
  return performance.timeOrigin + performance.now();
}

/** Milliseconds that the venue's clock is ahead of this one's; 0 where the difference is within what was measured. */
export async function clockAhead(tries = 5) {
  let best = { trip: Infinity, ahead: 0 };
  for (let attempt = 0; attempt < tries; attempt++) {
    const sent = now();
    const { serverTime } = await ask("time");
    const trip = now() - sent;
    if (trip < best.trip) best = { trip, ahead: serverTime + 0.5 - (sent + trip / 2) };
  }
  return Math.abs(best.ahead) <= best.trip / 2 + 1 ? 0 : best.ahead;
}

/**
 * One WebSocket on /stream. `told(state, detail)` hears "connecting"; "live" when the venue has confirmed what is
 * followed (with whether the connection is a new one); "waiting" (with the seconds to the next attempt).
 * `received(stream, data, at)` gets each message with the time of its arrival.
 */
export class Connection {
  constructor(told, received) {
    this.told = told;
    this.received = received;
    this.wanted = new Set();
    this.followed = new Set();
    this.failures = 0;
    this.changedAt = 0;
    this.number = 0;
    this.heard = 0;
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    setInterval(() => this.#watch(), SILENCE_MS_MAX / 2);
  }

  /** Opens, or changes what an open connection follows. */
  follow(streams) {
    this.wanted = new Set(streams);
    if (this.socket) this.#change();
    else if (this.timer === undefined) this.#open();
  }

  // The venue takes a few requests a second; who leafs through the instruments is followed where he stops.
  #change() {
    clearTimeout(this.changing);
    const rest = this.changedAt + CHANGE_MS_MIN - now();
    if (rest > 0) {
      this.changing = setTimeout(() => this.#change(), rest);
      return;
    }
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const gone = [...this.followed].filter((stream) => !this.wanted.has(stream));
    const fresh = [...this.wanted].filter((stream) => !this.followed.has(stream));
    this.followed = new Set(this.wanted);
    if (gone.length) this.#send("UNSUBSCRIBE", gone);
    if (fresh.length) this.#send("SUBSCRIBE", fresh);
    if (gone.length || fresh.length) this.changedAt = now();
  }

  #answered({ id, error }) {
    if (error) this.socket.close();
    else if (id === this.number) this.#live();
  }

  #live() {
    this.failures = 0;
    this.told("live", this.isNew);
    this.isNew = false;
  }

  #send(method, params) {
    this.number += 1;
    this.socket.send(JSON.stringify({ method, params, id: this.number }));
  }

  #open() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.told("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/stream`);
    this.socket = socket;
    socket.onopen = () => {
      this.heard = now();
      this.isNew = true;
      this.followed = new Set();
      this.changedAt = 0;
      this.#change();
    };
    socket.onmessage = (event) => {
      const at = now();
      this.heard = at;
      const message = JSON.parse(event.data);
      if (message.stream) this.received(message.stream, message.data, at);
      else if (message.id !== undefined || message.error) this.#answered(message);
    };
    socket.onclose = () => socket === this.socket && this.#wait();
  }

  #wait() {
    this.socket = undefined;
    const longest = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** this.failures);
    this.failures += 1;
    // Not all pages come back at one moment after the venue did.
    const delay = longest * (0.5 + Math.random() / 2);
    this.told("waiting", delay / 1000);
    this.timer = setTimeout(() => this.#open(), delay);
  }

  #retryNow() {
    if (this.timer !== undefined) this.#open();
  }

  // A half-open connection tells nothing. When nothing was heard for long, the venue is asked whether it is there.
  async #watch() {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN || now() - this.heard < SILENCE_MS_MAX) return;
    try {
      await ask("ping");
    } catch {
      if (socket === this.socket) {
        socket.close();
        this.#wait();
      }
    }
  }
}
