// One intent to launch is one desktop, however often it is sent. Its key is kept until the server has answered: a lost
// answer, a second click or a reload sends the same key again, and the server gives the same session.

import { Problem, Unanswered, call } from "./api.js";
import { forget, keep, kept, tabStore } from "./keep.js";

/** @typedef {import("./types.js").Wish} Wish */

const PLACE = "winux.intent";
const OLD = 10 * 60_000;
const PAUSES = [1_000, 2_000, 4_000];

/** The wish that is not answered yet, of this tab. @returns {Wish|null} */
export function unanswered() {
  return read()?.wish ?? null;
}

/** @returns {{key: string, wish: Wish, at: number}|null} */
function read() {
  const text = kept(tabStore, PLACE);
  const intent = text ? JSON.parse(text) : null;
  return intent && Date.now() - intent.at < OLD ? intent : null;
}

/** @param {Wish} wish */
function intentFor(wish) {
  const before = read();
  if (before && same(before.wish, wish)) return before;
  const intent = { key: randomKey(), wish, at: Date.now() };
  keep(tabStore, PLACE, JSON.stringify(intent));
  return intent;
}

/** Whether they ask for the same desktop, in whatever language. @param {Wish} one @param {Wish} other */
function same(one, other) {
  return one.template === other.template && one.durationMinutes === other.durationMinutes;
}

/** Whether the server may have done, or may be doing, what it was asked. @param {unknown} error */
function undecided(error) {
  return error instanceof Unanswered || (error instanceof Problem && error.title === "InProgress");
}

/** 128 random bits; randomUUID is missing where the page came over plain HTTP. */
function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The session that fulfils the wish. Rejects with Problem (refused: the intent is over) or Unanswered (it is kept).
 * @param {Wish} wish @param {string|null} [captcha] @returns {Promise<import("./types.js").Session>}
 */
export async function order(wish, captcha = null) {
  const intent = intentFor(wish);
  const options = { body: { ...intent.wish, ...(captcha && { captcha }) }, headers: { "Idempotency-Key": intent.key } };
  for (const pause of [...PAUSES, null]) {
    try {
      const session = await call("POST", "sessions", options);
      forget(tabStore, PLACE);
      return session;
    } catch (error) {
      if (!undecided(error)) forget(tabStore, PLACE);
      if (!undecided(error) || pause === null) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  throw new Unanswered("no answer");
}
