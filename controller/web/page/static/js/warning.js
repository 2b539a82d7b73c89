// Before the end: said once per threshold, seen all the time, and told by the title of a tab in the background.

import { announce, interrupt } from "./announce.js";
import { clock, duration, t } from "./i18n.js";
import { secondsUntil } from "./servertime.js";

/** @typedef {import("./types.js").Session} Session */

const LAST = 60;

/** @param {Session} session @param {number} left seconds @param {number} before seconds */
export function soon(session, left, before) {
  return left <= Math.min(before, (length(session) ?? Infinity) / 2);
}

/** Seconds from ready to the end: who has ten minutes in all is not warned for five. @param {Session} session */
function length(session) {
  if (session.expiresAt === null || session.readyAt === null) return null;
  return (Date.parse(session.expiresAt) - Date.parse(session.readyAt)) / 1000;
}

export class Warnings {
  /** By session and its end, the smallest threshold that was said. @type {Map<string, number>} */
  #said = new Map();

  /** Say what has become due. @param {Session[]} sessions @param {number} before seconds */
  tell(sessions, before) {
    for (const session of sessions) {
      const left = secondsUntil(session.expiresAt);
      if (session.progress.step !== "ready" || !session.mine || left === null || left <= 0) continue;
      const threshold = left <= LAST ? LAST : soon(session, left, before) ? before : null;
      const key = `${session.name} ${session.expiresAt}`;
      if (threshold === null || (this.#said.get(key) ?? Infinity) <= threshold) continue;
      this.#said.set(key, threshold);
      const words = t("announce.soon", { name: session.name, time: duration(left) });
      if (threshold === LAST) interrupt(words);
      else announce(words);
    }
  }
}

/** The title of the page: what is most pressing. @param {Session[]} sessions @param {number} before seconds */
export function titleFor(sessions, before) {
  const mine = sessions.filter(({ mine }) => mine);
  const ready = mine
    .filter(({ progress, expiresAt }) => progress.step === "ready" && expiresAt !== null)
    .map((session) => ({ session, left: secondsUntil(session.expiresAt) ?? 0 }))
    .sort((one, other) => one.left - other.left);
  const first = ready[0];
  if (first && soon(first.session, first.left, before)) return t("title.soon", { time: clock(first.left) });
  if (mine.some(({ progress }) => progress.step === "failed")) return t("title.failed");
  if (mine.some(({ progress }) => ["queued", "creating", "starting"].includes(progress.step))) return t("title.waiting");
  return ready.length ? t("title.ready") : t("title");
}
