// How long a launch takes, from what the server measured; only the seconds since are counted here.

import { now } from "./servertime.js";

/** @typedef {import("./types.js").Session} Session */

/** Seconds that people have waited; null before it was accepted. @param {Session} session */
export function elapsed(session) {
  if (session.acceptedAt === null) return null;
  return Math.max(0, session.progress.elapsedSeconds + (now() - Date.parse(session.serverTime)) / 1000);
}

/** Seconds that recent launches took in all; null where that says nothing about this one. @param {Session} session */
export function usual(session) {
  const { elapsedSeconds, estimateSeconds } = session.progress;
  return estimateSeconds === null ? null : elapsedSeconds + estimateSeconds;
}
