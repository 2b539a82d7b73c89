// Why a session is where it is: in words for people where there are some, else in the controller's own.

import { el } from "./dom.js";
import { current, has, t } from "./i18n.js";

/** @param {import("./types.js").Session} session */
export function why(session) {
  const known = has(`reason.${session.reason}`);
  return el(
    "div",
    { class: "panel problem patience" },
    el("p", { class: "title" }, t(session.failing ? "why.failing" : "why.held")),
    known && el("p", {}, t(`reason.${session.reason}`)),
    session.message && (!known || current() === "en") && el("p", { class: "small", lang: "en" }, session.message),
  );
}
