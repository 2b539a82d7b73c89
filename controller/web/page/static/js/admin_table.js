// All sessions: rows that stay where they are while their cells change, sorted and filtered as the person wants.

import { button, byId, el, say } from "./dom.js";
import { clock, duration, number, shortMinutes, t } from "./i18n.js";
import { secondsUntil } from "./servertime.js";
import { over } from "./sessions.js";

/**
 * @typedef {import("./types.js").Session} Session
 * @typedef {object} Orders
 * @property {(session: Session) => Promise<void>} end
 * @property {(session: Session, minutes: number) => Promise<void>} extend
 * @property {() => number} extendMinutes
 *
 * @typedef {{key: string, value: (session: Session) => string|number, text?: (session: Session) => string}} Column
 */

const STEPS = ["queued", "creating", "starting", "ready", "held", "ending", "ended", "failed"];
const DAY = 24 * 3600;

/** @param {Session} session */
function left(session) {
  return over(session) ? null : secondsUntil(session.expiresAt);
}

/** @param {Session} session */
function leftText(session) {
  const seconds = left(session);
  if (seconds === null) return "";
  return seconds > DAY ? duration(seconds) : clock(seconds);
}

/** @type {Column[]} */
const COLUMNS = [
  { key: "name", value: ({ name }) => name },
  { key: "step", value: ({ progress }) => STEPS.indexOf(progress.step) },
  { key: "owner", value: ({ owner }) => owner ?? "" },
  { key: "template", value: ({ template }) => template ?? "" },
  { key: "address", value: ({ address }) => address ?? "" },
  { key: "left", value: (session) => left(session) ?? Infinity, text: leftText },
  { key: "message", value: ({ message }) => message },
];

export class Table {
  #orders;
  /** @type {Map<string, Session>} */
  #all = new Map();
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #sort = { key: "name", down: false };
  #wanted = { text: "", step: "" };
  #body = el("tbody");
  #count = el("span", { class: "count", role: "status" });
  #empty = el("p", { class: "panel quiet" });

  /** @param {Orders} orders */
  constructor(orders) {
    this.#orders = orders;
    setInterval(() => this.#rows.forEach((row, name) => row.update(this.#session(name))), 1000);
  }

  /** @param {string} name @returns {Session} */
  #session(name) {
    const found = this.#all.get(name);
    if (!found) throw new Error(`no session ${name}`);
    return found;
  }

  /** @param {Session[]} sessions all there are */
  replace(sessions) {
    this.#all = new Map(sessions.map((session) => [session.name, session]));
    this.#arrange();
  }

  /** @param {Session} session */
  heard(session) {
    this.#all.set(session.name, session);
    this.#arrange();
  }

  /** Made anew, in the language of now. */
  show() {
    this.#rows.clear();
    this.#body.replaceChildren();
    this.#showFilters();
    const heads = COLUMNS.map(({ key }) =>
      el("th", { scope: "col", "data-column": key, role: "columnheader" }, button("sort", t(`column.${key}`), () => this.#sortBy(key))),
    );
    const act = el("th", { scope: "col", role: "columnheader" }, el("span", { class: "unseen" }, t("column.act")));
    const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads, act));
    this.#body.setAttribute("role", "rowgroup");
    const table = el("table", { role: "table", "aria-labelledby": "all-title" }, head, this.#body);
    byId("table").replaceChildren(el("div", { class: "sheet many" }, table), this.#empty);
    this.#arrange();
  }

  #showFilters() {
    const input = (/** @type {Event} */ event) => {
      this.#wanted.text = /** @type {HTMLInputElement} */ (event.target).value.trim().toLowerCase();
      this.#arrange();
    };
    const change = (/** @type {Event} */ event) => {
      this.#wanted.step = /** @type {HTMLSelectElement} */ (event.target).value;
      this.#arrange();
    };
    const options = ["", ...STEPS].map((step) =>
      el("option", { value: step, selected: step === this.#wanted.step }, step ? t(`step.${step}`) : t("admin.filter.all")),
    );
    const by = (/** @type {Event} */ event) => this.#sortBy(/** @type {HTMLSelectElement} */ (event.target).value);
    const keys = COLUMNS.map(({ key }) => el("option", { value: key, selected: key === this.#sort.key }, t(`column.${key}`)));
    byId("filters").replaceChildren(
      el("label", {}, t("admin.filter"), el("input", { type: "search", value: this.#wanted.text, input, autocomplete: "off" })),
      el("label", {}, t("admin.filter.phase"), el("select", { change }, ...options)),
      el("label", { class: "by" }, t("admin.sort"), el("select", { change: by }, ...keys)),
      this.#count,
    );
  }

  /** @param {string} key */
  #sortBy(key) {
    this.#sort = { key, down: this.#sort.key === key && !this.#sort.down };
    this.#arrange();
  }

  /** @param {Session} session */
  #fits({ name, owner, template, address, message, progress }) {
    const { text, step } = this.#wanted;
    const said = [name, owner, template, address, message].join(" ").toLowerCase();
    return (!step || progress.step === step) && said.includes(text);
  }

  #sorted() {
    const value = COLUMNS.find(({ key }) => key === this.#sort.key)?.value ?? (() => "");
    const sign = this.#sort.down ? -1 : 1;
    return [...this.#all.values()].filter((session) => this.#fits(session)).sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      const order = typeof a === "string" ? a.localeCompare(String(b), undefined, { numeric: true }) : a < Number(b) ? -1 : Number(a > Number(b));
      return sign * order || one.name.localeCompare(other.name, undefined, { numeric: true });
    });
  }

  #arrange() {
    const shown = this.#sorted();
    const names = new Set(shown.map(({ name }) => name));
    for (const [name, row] of this.#rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.#rows.delete(name);
    }
    shown.forEach((session, index) => {
      let row = this.#rows.get(session.name);
      if (!row) this.#rows.set(session.name, (row = new Row(session, this.#orders)));
      row.update(session);
      // Moved only when it has to be: moving takes the focus away.
      if (this.#body.children[index] !== row.element) this.#body.insertBefore(row.element, this.#body.children[index] ?? null);
    });
    this.#showState(shown.length);
  }

  /** @param {number} shown */
  #showState(shown) {
    say(this.#count, t("admin.count", { shown: number(shown), all: number(this.#all.size) }));
    say(this.#empty, t(this.#all.size ? "admin.none.filtered" : "admin.none"));
    this.#empty.hidden = shown > 0;
    for (const head of byId("table").querySelectorAll("[data-column]")) {
      const now = head.getAttribute("data-column") === this.#sort.key;
      if (now) head.setAttribute("aria-sort", this.#sort.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const sheet = byId("table").querySelector(".sheet");
    sheet?.toggleAttribute("hidden", shown === 0);
  }
}

class Row {
  #session;
  #orders;
  #badge = el("span", { class: "badge" });
  /** @type {Map<string, HTMLElement>} */
  #cells = new Map();
  #extend;
  #end;

  /** @param {Session} session @param {Orders} orders */
  constructor(session, orders) {
    this.#session = session;
    this.#orders = orders;
    const unseen = () => el("span", { class: "unseen" }, ` ${session.name}`);
    this.#extend = button("extend", "", () => void orders.extend(this.#session, this.#minutes()), "slim");
    this.#end = button("end", t("admin.end"), () => void orders.end(this.#session), "slim danger");
    this.#end.append(unseen());
    this.element = el(
      "tr",
      { role: "row", "data-session": session.name },
      ...COLUMNS.map((column) => this.#cell(column)),
      el("td", { class: "act", role: "cell" }, el("div", { class: "row" }, this.#extend, this.#end)),
    );
    this.update(session);
  }

  /** @param {Column} column */
  #cell({ key }) {
    if (key === "name") return el("th", { scope: "row", role: "rowheader" }, this.#session.name);
    const place = key === "step" ? this.#badge : el("span", { class: key === "message" ? "why" : null, lang: key === "message" ? "en" : null });
    const cell = el("td", { role: "cell", "data-label": t(`column.${key}`), class: key === "left" ? "number" : null }, place);
    this.#cells.set(key, place);
    return cell;
  }

  #minutes() {
    return Math.min(this.#orders.extendMinutes(), Math.floor(this.#session.extendableSeconds / 60));
  }

  /** @param {Session} session */
  update(session) {
    this.#session = session;
    const { step } = session.progress;
    this.#badge.className = `badge ${session.failing ? "failing" : step}`;
    for (const column of COLUMNS) {
      const place = this.#cells.get(column.key);
      if (!place) continue;
      const text = column.key === "step" ? t(`step.${step}`) : String((column.text ?? column.value)(session));
      say(place, text);
      place.parentElement?.classList.toggle("empty", text === "");
    }
    const minutes = this.#minutes();
    this.#extend.hidden = minutes < 1 || over(session) || step === "ending";
    say(this.#extend, t("admin.extend", { time: shortMinutes(minutes) }));
    this.#extend.setAttribute("aria-label", `${t("admin.extend", { time: shortMinutes(minutes) })} ${session.name}`);
    this.#end.hidden = over(session) || step === "ending";
  }
}
