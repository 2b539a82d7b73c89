// Keeps the known sessions true: a stream for those that are on their way, and asking again for all.

import { Problem, Unanswered, call, sessionPath } from "./api.js";
import { overheard } from "./servertime.js";
import { moving, over } from "./sessions.js";
import { readStream } from "./sse.js";

/** Browsers have six connections for one server, over all tabs. */
const STREAMS = 2;
const SILENCE = 40_000;
const EVERY = { moving: 2_000, calm: 10_000, hidden: 30_000, streamed: 5_000 };
/** A launch may be answered before it is seen; what was seen once and is not there any more is gone. */
const FRESH = 15_000;

export class Follower {
  #sessions;
  #signedOut;
  /** @type {Map<string, AbortController>} */
  #streams = new Map();
  /** Launched and not seen yet. @type {Map<string, number>} */
  #launched = new Map();
  /** @type {string|null} */
  #extra = null;
  #timer = 0;
  #asking = false;

  /** @param {import("./sessions.js").Sessions} sessions @param {() => void} signedOut */
  constructor(sessions, signedOut) {
    this.#sessions = sessions;
    this.#signedOut = signedOut;
  }

  /** One that is not among the person's own. @param {string|null} name */
  watch(name) {
    this.#extra = name;
  }

  /** @param {import("./types.js").Session} session */
  launched(session) {
    this.#launched.set(session.name, Date.now());
    this.#sessions.heard(session);
    this.#arrange();
  }

  /** Ask now; and again after a while, for ever. */
  async refresh() {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    try {
      await this.#ask();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.#signedOut();
      else if (!(error instanceof Problem || error instanceof Unanswered)) throw error;
    } finally {
      this.#asking = false;
      this.#arrange();
    }
  }

  async #ask() {
    const seen = new Set();
    for await (const session of everySession("mine")) {
      seen.add(session.name);
      this.#see(session);
    }
    const unlisted = this.#sessions.all().filter((session) => !seen.has(session.name) && !over(session)).map(({ name }) => name);
    if (this.#extra && !seen.has(this.#extra)) unlisted.push(this.#extra);
    for (const name of new Set(unlisted)) await this.#askFor(name);
  }

  /** @param {string} name */
  async #askFor(name) {
    try {
      this.#see(await call("GET", sessionPath(name)));
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error;
      this.#notFound(name);
    }
  }

  /** @param {import("./types.js").Session} session */
  #see(session) {
    this.#launched.delete(session.name);
    this.#sessions.heard(session);
  }

  /** @param {string} name */
  #notFound(name) {
    if (Date.now() - (this.#launched.get(name) ?? 0) > FRESH) this.#sessions.gone(name);
  }

  #arrange() {
    const wanted = this.#sessions.all().filter(moving).slice(-STREAMS).map(({ name }) => name);
    for (const [name, stream] of this.#streams) if (!wanted.includes(name)) stream.abort();
    for (const name of wanted) if (!this.#streams.has(name)) void this.#stream(name);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), this.#pause());
  }

  #pause() {
    const unstreamed = this.#sessions.all().filter((session) => moving(session) && !this.#streams.has(session.name));
    if (unstreamed.length) return EVERY.moving;
    if (this.#streams.size) return EVERY.streamed;
    return document.hidden ? EVERY.hidden : EVERY.calm;
  }

  /** Until it is not wanted, ends or breaks; asking again notices, and opens another. @param {string} name */
  async #stream(name) {
    const stream = new AbortController();
    this.#streams.set(name, stream);
    try {
      await readStream(`${sessionPath(name)}/stream`, (kind, data) => this.#hear(kind, data), {
        signal: stream.signal,
        silence: SILENCE,
      });
    } catch (error) {
      if (error instanceof Problem && error.status === 404) this.#notFound(name);
      // Whatever else broke it: the next look at all sessions stands in for it.
    } finally {
      this.#streams.delete(name);
    }
  }

  /** @param {string} kind @param {any} data */
  #hear(kind, data) {
    if (kind === "gone") this.#notFound(data.name);
    if (kind !== "session") return;
    overheard(Date.parse(data.serverTime));
    this.#see(data);
  }
}

/** All pages of a list. @param {"mine"|"all"} scope @returns {AsyncGenerator<import("./types.js").Session>} */
export async function* everySession(scope) {
  let rest = "";
  do {
    const page = await call("GET", `sessions?scope=${scope}&limit=200${rest}`);
    yield* page.items;
    rest = page.continue ? `&continue=${encodeURIComponent(page.continue)}` : "";
  } while (rest);
}
