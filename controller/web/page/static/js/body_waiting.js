// A session that people wait for: which step it is at, how long that usually takes, and what it waits for.

import { button, el, say, tick } from "./dom.js";
import { briefly, t } from "./i18n.js";
import { elapsed, usual } from "./progress.js";
import { why } from "./why.js";

/** @typedef {import("./types.js").Session} Session */

const STEPS = ["queued", "creating", "starting", "ready"];

export class WaitingBody {
  #session;
  #steps = STEPS.map((step) => el("li", {}, t(`step.${step}.short`)));
  #bar = /** @type {HTMLProgressElement} */ (el("progress", { "aria-label": t("waiting.bar") }));
  #elapsed = el("span", { class: "elapsed" });
  #usual = el("span");
  #text = el("p");
  #why = el("div");
  #said = "";

  /** @param {Session} session @param {import("./card.js").Orders} orders */
  constructor(session, orders) {
    this.#session = session;
    const cancel = button("cancel", t("cancel"), () => void orders.cancel(this.#session));
    this.element = el(
      "div",
      { class: "waiting" },
      el("ol", { class: "steps", "aria-label": t("waiting.steps") }, ...this.#steps),
      this.#bar,
      el("div", { class: "times" }, this.#elapsed, this.#usual),
      this.#text,
      this.#why,
      session.mayControl && el("div", { class: "row end" }, cancel),
    );
  }

  /** @param {Session} session */
  update(session) {
    this.#session = session;
    this.#showSteps(session);
    const [waited, typical] = [elapsed(session), usual(session)];
    say(this.#elapsed, waited === null ? "" : t("waiting.elapsed", { time: briefly(waited) }));
    say(this.#usual, this.#estimate(session, waited, typical));
    // Without an estimate, or past it, nobody knows how far it is: then the bar does not claim to.
    this.#bar.hidden = waited === null || typical === null || waited > typical;
    if (waited !== null && typical !== null) {
      this.#bar.max = typical;
      this.#bar.value = Math.min(waited, typical);
    }
    say(this.#text, t(session.mine ? `step.${session.progress.step}.text` : "foreign.waiting"));
    this.#showWhy(session);
  }

  /** @param {Session} session @param {number|null} waited @param {number|null} typical */
  #estimate(session, waited, typical) {
    const late = session.progress.late || (waited !== null && typical !== null && waited > typical);
    if (late) return t("waiting.longer");
    return typical === null ? "" : t("waiting.usually", { time: briefly(typical) });
  }

  /** @param {Session} session */
  #showSteps(session) {
    // What is held has not begun, unless a container is there already.
    const at = session.progress.step === "held" ? 0 : STEPS.indexOf(session.progress.step);
    this.#steps.forEach((element, index) => {
      const state = index < at ? "done" : index === at ? "now" : "";
      if (element.className === state) return;
      element.className = state;
      if (state === "now") element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
      element.replaceChildren(t(`step.${STEPS[index]}.short`));
      if (state === "done") element.prepend(tick(), el("span", { class: "unseen" }, t("step.done")));
    });
  }

  /** @param {Session} session */
  #showWhy(session) {
    const held = session.progress.step === "held" || session.failing;
    const said = held ? `${session.reason} ${session.message}` : "";
    if (said === this.#said) return;
    this.#said = said;
    this.#why.replaceChildren(...(held ? [why(session)] : []));
  }
}
