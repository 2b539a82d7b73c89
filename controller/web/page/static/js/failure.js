// What went wrong, in words for people, and what they can do about it.

import { Problem, Unanswered } from "./api.js";
import { button, el, say } from "./dom.js";
import { briefly, current, has, t } from "./i18n.js";

/** Titles of refusals that have words of their own; the others are told by their status. */
const BY_STATUS = /** @type {Record<number, string>} */ ({
  400: "Invalid", 401: "NotLoggedIn", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 413: "Invalid",
  422: "Invalid", 429: "TooOften", 503: "Unavailable", 504: "Unavailable",
});
const PATIENT = new Set(["Full", "TemplateFull", "TooOften", "TooManyOfYours", "TooManyFromYourAddress"]);

/** The name of its words. @param {unknown} error */
function kind(error) {
  if (error instanceof Unanswered) return "Unanswered";
  if (!(error instanceof Problem)) return "Unknown";
  if (has(`refusal.${error.title}`)) return error.title;
  return BY_STATUS[error.status] ?? "Unknown";
}

/** One sentence, for where there is no room for more. @param {unknown} error */
export function sentence(error) {
  return t(`refusal.${kind(error)}`);
}

/**
 * A panel that says what happened and offers what helps. It counts down where the server said when to come again.
 * @param {unknown} error
 * @param {{title: string, retry?: () => void, signIn?: string|null}} options
 */
export function failurePanel(error, { title, retry, signIn }) {
  if (!(error instanceof Problem || error instanceof Unanswered)) console.error(error);
  const what = kind(error);
  const detail = error instanceof Problem ? error.detail : "";
  const panel = el(
    "div",
    { class: PATIENT.has(what) ? "panel problem patience" : "panel problem", "data-refusal": what },
    el("p", { class: "title" }, has(`refusal.${what}.title`) ? t(`refusal.${what}.title`) : title),
    el("p", {}, t(`refusal.${what}`)),
    // The server's own sentence says more, in English: for those who read it, and those who help.
    detail && (current() === "en" || !has(`refusal.${what}`) || what === "Invalid" || what === "Unknown") &&
      el("p", { class: "quiet small", lang: "en" }, detail),
  );
  if (what === "NotLoggedIn" && signIn) {
    panel.className = "panel ask";
    panel.append(el("a", { class: "button primary", href: signIn }, t("nav.signIn")));
  }
  else if (retry) panel.append(el("div", { class: "row" }, retryButton(retry, waitOf(error))));
  return panel;
}

/** @param {unknown} error */
function waitOf(error) {
  return error instanceof Problem ? error.retryAfter ?? 0 : 0;
}

/** @param {() => void} retry @param {number} seconds until it may help */
function retryButton(retry, seconds) {
  const ready = Date.now() + seconds * 1000;
  const left = () => Math.ceil((ready - Date.now()) / 1000);
  const made = button("retry", t("retry"), () => left() <= 0 && retry());
  const show = () => {
    made.setAttribute("aria-disabled", String(left() > 0));
    say(made, left() > 0 ? t("retry.in", { time: briefly(left()) }) : t("retry"));
    if (left() <= 0) clearInterval(timer);
  };
  const timer = setInterval(() => (made.isConnected ? show() : clearInterval(timer)), 500);
  show();
  return made;
}
