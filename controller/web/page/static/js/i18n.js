// Words and forms of the language that the person reads. All words are in lang/, one file per language.

import en from "./lang/en.js";
import fr from "./lang/fr.js";
import { keep, kept, localStore } from "./keep.js";
import { now } from "./servertime.js";

/** @type {Record<string, Record<string, string>>} */
const WORDS = { en, fr };
const PLACE = "winux.language";

/** @type {Set<() => void>} */
const listeners = new Set();
let language = chosen() ?? preferred();

/** @returns {string|null} */
function chosen() {
  const tag = kept(localStore, PLACE);
  return tag !== null && tag in WORDS ? tag : null;
}

function preferred() {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag in WORDS) ?? "en";
}

/** The tag for dates and numbers: the person's own variant, such as fr-CA, of the language shown. */
function variant() {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === language) ?? language;
}

export function current() {
  return language;
}

export function languages() {
  return Object.entries(WORDS).map(([tag, words]) => ({ tag, name: words["language.name"] ?? tag }));
}

/** @param {string} tag */
export function choose(tag) {
  if (!(tag in WORDS)) return;
  language = tag;
  keep(localStore, PLACE, tag);
  for (const listener of listeners) listener();
}

/** @param {() => void} listener */
export function onLanguage(listener) {
  listeners.add(listener);
}

/** Whether there are words for a key that is put together. @param {string} key */
export function has(key) {
  return key in (WORDS[language] ?? {});
}

/** The words of a key, with {places} filled. @param {string} key @param {Record<string, string|number>} [values] */
export function t(key, values = {}) {
  const text = WORDS[language]?.[key] ?? WORDS.en?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Fill everything below an element that names its words in the markup. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) {
    element.textContent = t(element.getAttribute("data-i18n") ?? "");
  }
  for (const element of root.querySelectorAll("[data-i18n-label]")) {
    element.setAttribute("aria-label", t(element.getAttribute("data-i18n-label") ?? ""));
  }
}

/** @param {number} value @param {"second"|"minute"|"hour"|"day"} unit */
function amount(value, unit) {
  return new Intl.NumberFormat(variant(), { style: "unit", unit, unitDisplay: "long" }).format(value);
}

/** "45 seconds", "30 minutes", "1 hour 30 minutes". @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return amount(whole, "second");
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return amount(minutes, "minute");
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return rest ? `${amount(hours, "hour")} ${amount(rest, "minute")}` : amount(hours, "hour");
}

/** "6 seconds", and "80 seconds" rather than a minute of unclear length. @param {number} seconds */
export function briefly(seconds) {
  const value = Math.max(0, Math.round(seconds));
  return value < 100 ? amount(value, "second") : duration(value);
}

/** "+15 min", where there is little room. @param {number} minutes */
export function shortMinutes(minutes) {
  return new Intl.NumberFormat(variant(), { style: "unit", unit: "minute", unitDisplay: "short" }).format(minutes);
}

/** "27:43" or "1:05:09" @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The time of day, with the date where it is another day. @param {string} time @param {{seconds?: boolean}} [options] */
export function timeOfDay(time, { seconds = false } = {}) {
  const then = new Date(time);
  const today = then.toDateString() === new Date(now()).toDateString();
  return new Intl.DateTimeFormat(variant(), {
    timeStyle: seconds ? "medium" : "short",
    ...(!today && { dateStyle: "medium" }),
  }).format(then);
}

/** "1 GiB" from the controller's "1Gi". @param {string|null} quantity */
export function size(quantity) {
  const [, value, prefix] = /^(\d+)([KMGT])i$/.exec(quantity ?? "") ?? [];
  return value && prefix ? t("size", { value: number(Number(value)), prefix }) : quantity ?? "–";
}

/** @param {number} value */
export function number(value) {
  return new Intl.NumberFormat(variant()).format(value);
}

/** "a, b and c" @param {string[]} parts */
export function list(parts) {
  return new Intl.ListFormat(variant(), { type: "conjunction" }).format(parts);
}
