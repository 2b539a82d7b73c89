// A session that ends, has ended, or failed: what happened, and what to do now.

import { button, el } from "./dom.js";
import { has, t, timeOfDay } from "./i18n.js";

/** @typedef {import("./types.js").Session} Session */

export class OverBody {
  #orders;
  #said = "";

  /** @param {Session} session @param {import("./card.js").Orders} orders */
  constructor(session, orders) {
    this.#orders = orders;
    this.element = el("div", { class: "waiting" });
    this.update(session);
  }

  /** @param {Session} session */
  update(session) {
    const step = session.progress.step;
    const said = [step, session.reason, session.message, session.endedAt].join(" ");
    if (said === this.#said) return;
    this.#said = said;
    this.element.replaceChildren(...(step === "failed" ? this.#failed(session) : this.#ended(session)));
  }

  /** @param {Session} session @returns {HTMLElement[]} */
  #ended(session) {
    const { step } = session.progress;
    if (step === "ending") return [el("p", {}, t("over.ending"))];
    const expired = session.reason === "Expired";
    const text =
      expired && session.expiresAt
        ? t("over.expired", { time: timeOfDay(session.endedAt ?? session.expiresAt) })
        : t("over.ended");
    return [el("p", {}, text), this.#buttons(session, "over.new")];
  }

  /** @param {Session} session @returns {HTMLElement[]} */
  #failed(session) {
    const panel = el(
      "div",
      { class: "panel problem" },
      el("p", { class: "title" }, t("over.failed")),
      el("p", {}, t(has(`failed.${session.reason}`) ? `failed.${session.reason}` : "failed.Other")),
      session.message &&
        el("details", {}, el("summary", {}, t("failed.details")), el("p", { class: "small", lang: "en" }, session.message)),
    );
    return [panel, this.#buttons(session, "over.again")];
  }

  /** @param {Session} session @param {string} again */
  #buttons(session, again) {
    if (!session.mine) return el("div", { class: "row" });
    return el(
      "div",
      { class: "row" },
      button("again", t(again), () => this.#orders.again(session), "primary"),
      button("dismiss", t("over.dismiss"), () => this.#orders.dismiss(session)),
    );
  }
}
