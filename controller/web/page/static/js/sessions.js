// The sessions that this page knows, as last heard of. Whoever shows them listens.

import { keep, kept, tabStore } from "./keep.js";

/** @typedef {import("./types.js").Session} Session */

const PLACE = "winux.dismissed";
const MOST = 50;
const WAITING = new Set(["queued", "creating", "starting"]);
const OVER = new Set(["ended", "failed"]);

/** Whether people wait for it. @param {Session} session */
export function waiting(session) {
  return WAITING.has(session.progress.step);
}

/** Whether nothing comes after. @param {Session} session */
export function over(session) {
  return OVER.has(session.progress.step);
}

/** Whether it changes by itself soon. @param {Session} session */
export function moving(session) {
  return waiting(session) || session.progress.step === "ending";
}

export class Sessions {
  /** @type {Map<string, Session>} */
  #known = new Map();
  /** @type {Set<string>} */
  #dismissed = new Set(JSON.parse(kept(tabStore, PLACE) ?? "[]"));
  /** @type {(session: Session|null, name: string, before: Session|null) => void} */
  #changed;

  /** @param {(session: Session|null, name: string, before: Session|null) => void} changed null: it is not to be shown any more */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @returns {Session[]} */
  all() {
    return [...this.#known.values()];
  }

  /** @param {string} name */
  get(name) {
    return this.#known.get(name) ?? null;
  }

  /** Answers overtake each other: what the server said later counts. @param {Session} session */
  heard(session) {
    const before = this.get(session.name);
    if (before && Date.parse(session.serverTime) < Date.parse(before.serverTime)) return;
    if (this.#dismissed.has(session.name) && over(session)) return;
    this.#dismissed.delete(session.name);
    this.#known.set(session.name, session);
    this.#changed(session, session.name, before);
  }

  /** The server knows it no more: it has ended. @param {string} name */
  gone(name) {
    const last = this.get(name);
    if (!last || over(last)) return;
    this.heard({ ...last, failing: false, extendableSeconds: 0, progress: { ...last.progress, step: "ended" } });
  }

  /** Not to be shown any more, though the server still tells of it. @param {string} name */
  dismiss(name) {
    const before = this.get(name);
    this.#dismissed.add(name);
    keep(tabStore, PLACE, JSON.stringify([...this.#dismissed].slice(-MOST)));
    this.#known.delete(name);
    this.#changed(null, name, before);
  }
}
