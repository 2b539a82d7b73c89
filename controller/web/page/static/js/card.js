// One session on the page: a frame that stays, and a body that is made anew only when another kind of thing is to be
// said, so that focus and selections survive what changes every second.

import { el, say } from "./dom.js";
import { t } from "./i18n.js";
import { OverBody } from "./body_over.js";
import { ReadyBody } from "./body_ready.js";
import { WaitingBody } from "./body_waiting.js";

/**
 * @typedef {import("./types.js").Session} Session
 * @typedef {object} Orders what a card may ask the page to do
 * @property {(session: Session) => Promise<void>} end
 * @property {(session: Session) => Promise<void>} cancel
 * @property {(session: Session, minutes: number) => Promise<void>} extend
 * @property {(session: Session) => void} again
 * @property {(session: Session) => void} dismiss
 * @property {() => import("./types.js").Me} me
 *
 * @typedef {object} Body
 * @property {HTMLElement} element
 * @property {(session: Session) => void} update with each change and each second
 */

/** @type {Record<string, new (session: Session, orders: Orders) => Body>} */
const BODIES = { waiting: WaitingBody, ready: ReadyBody, over: OverBody };

/** @param {Session} session */
function kindOf(session) {
  switch (session.progress.step) {
    case "ready":
      return "ready";
    case "ending":
    case "ended":
    case "failed":
      return "over";
    default:
      return "waiting";
  }
}

export class Card {
  #orders;
  #kind = "";
  /** @type {Body|null} */
  #body = null;
  #title;
  #badge;
  #problem = el("div", { class: "trouble", role: "alert" });
  #place = el("div", { class: "body" });

  /** @param {Session} session @param {Orders} orders */
  constructor(session, orders) {
    this.#orders = orders;
    const id = `title-${session.name}`;
    this.#title = el("h3", { id, tabindex: "-1" }, session.name);
    this.#badge = el("span", { class: "badge" });
    this.element = el(
      "article",
      { class: "card", "aria-labelledby": id, "data-session": session.name },
      el("header", {}, this.#title, this.#badge),
      this.#problem,
      this.#place,
    );
    this.update(session);
  }

  /** @param {Session} session */
  update(session) {
    const step = session.progress.step;
    this.element.dataset.step = step;
    this.#badge.className = `badge ${step}`;
    say(this.#badge, t(`step.${step}`));
    const kind = kindOf(session) + (session.mine ? "" : "-foreign");
    if (kind !== this.#kind) this.#replaceBody(session, kind);
    else this.#body?.update(session);
  }

  /** In another language. @param {Session} session */
  rewrite(session) {
    this.#kind = "";
    this.update(session);
  }

  /** What became of the last order, where it went wrong. @param {HTMLElement|null} panel */
  showProblem(panel) {
    this.#problem.replaceChildren(...(panel ? [panel] : []));
  }

  focus() {
    this.#title.focus();
    this.element.scrollIntoView({ block: "nearest" });
  }

  /** @param {Session} session @param {string} kind */
  #replaceBody(session, kind) {
    const focused = this.#place.contains(document.activeElement);
    this.#kind = kind;
    this.#body = new BODIES[kindOf(session)](session, this.#orders);
    this.#place.replaceChildren(this.#body.element);
    this.element.classList.remove("soon");
    this.#body.update(session);
    if (focused) this.#title.focus();
  }
}
