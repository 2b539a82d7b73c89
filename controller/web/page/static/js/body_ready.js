// A desktop that is ready: how long it is there, how to get in, more time, and its end.

import { button, el, say } from "./dom.js";
import { clock, duration, t, timeOfDay } from "./i18n.js";
import { secondsUntil } from "./servertime.js";
import { soon } from "./warning.js";
import { WayIn } from "./wayin.js";

/** @typedef {import("./types.js").Session} Session */

const FAR = 24 * 3600;

export class ReadyBody {
  #session;
  #orders;
  #timer = el("span", { class: "timer", role: "timer" });
  #until = el("span", { class: "quiet" });
  #warning = el("p", { class: "warning", hidden: true });
  #extend;

  /** @param {Session} session @param {import("./card.js").Orders} orders */
  constructor(session, orders) {
    this.#session = session;
    this.#orders = orders;
    this.#extend = button("extend", "", () => void orders.extend(this.#session, this.#minutes()));
    const end = button("end", t("end"), () => void orders.end(this.#session), "danger");
    this.element = el(
      "div",
      { class: "body-ready" },
      this.#warning,
      el(
        "div",
        { class: "clock" },
        el("div", { class: "left" }, el("span", { class: "quiet small" }, t("ready.left")), this.#timer, this.#until),
        session.mayControl && el("div", { class: "row" }, this.#extend, end),
      ),
      session.mayLogIn ? new WayIn(session).element : el("p", { class: "panel quiet" }, t("foreign.ready")),
    );
  }

  /** @param {Session} session */
  update(session) {
    this.#session = session;
    const left = secondsUntil(session.expiresAt);
    say(this.#timer, left === null ? "–" : left > FAR ? duration(left) : clock(left));
    say(this.#until, session.expiresAt === null ? "" : t("ready.until", { time: timeOfDay(session.expiresAt) }));
    this.#showExtend();
    this.#warn(session, left);
  }

  /** What may be added: as much as the house offers at once, or what is left of the maximum. */
  #minutes() {
    const most = Math.floor(this.#session.extendableSeconds / 60);
    return Math.min(this.#orders.me().defaults.extendMinutes, most);
  }

  #showExtend() {
    const minutes = this.#minutes();
    this.#extend.setAttribute("aria-disabled", String(minutes < 1));
    say(this.#extend, minutes < 1 ? t("extend.max") : t("extend", { time: duration(minutes * 60) }));
      }

  /** @param {Session} session @param {number|null} left */
  #warn(session, left) {
    const warned = left !== null && soon(session, left, this.#orders.me().warnBeforeSeconds);
    this.#warning.hidden = !warned;
    this.element.closest(".card")?.classList.toggle("soon", warned);
    if (warned) say(this.#warning, t(left <= 0 ? "ready.over" : session.mayLogIn ? "ready.soon" : "foreign.soon"));
  }
}
