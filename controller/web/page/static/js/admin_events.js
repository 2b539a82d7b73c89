// What was decided and done, the newest first, growing by itself until it is paused.

import { call } from "./api.js";
import { button, byId, el } from "./dom.js";
import { t, timeOfDay } from "./i18n.js";

/** @typedef {import("./types.js").Event} Event */

const MOST = 200;

export class EventList {
  /** @type {Map<number, Event>} */
  #known = new Map();
  #paused = false;

  async look() {
    if (this.#paused) return;
    const after = Math.max(0, ...this.#known.keys());
    const { items } = await call("GET", `events?after=${after}`);
    for (const event of /** @type {Event[]} */ (items)) this.#known.set(event.id, event);
    for (const id of [...this.#known.keys()].sort((one, other) => one - other).slice(0, -MOST)) this.#known.delete(id);
    if (items.length) this.#showList();
  }

  show() {
    const toggle = button("pause", t(this.#paused ? "admin.events.resume" : "admin.events.pause"), () => {
      this.#paused = !this.#paused;
      this.show();
      /** @type {HTMLElement|null} */ (byId("events-pause").firstElementChild)?.focus();
    }, "slim");
    byId("events-pause").replaceChildren(toggle);
    this.#showList();
  }

  #showList() {
    const newest = [...this.#known.values()].sort((one, other) => other.id - one.id);
    const place = byId("events");
    if (!newest.length) return place.replaceChildren(el("p", { class: "quiet" }, t("admin.events.none")));
    const scrolled = place.firstElementChild?.scrollTop ?? 0;
    const list = el("ol", { class: "events", tabindex: "0", "aria-labelledby": "events-title" }, ...newest.map(line));
    place.replaceChildren(list);
    list.scrollTop = scrolled;
  }
}

/** @param {Event} event */
function line(event) {
  const times = event.count > 1 ? ` × ${event.count}` : "";
  return el(
    "li",
    { class: event.type },
    el("time", { datetime: event.lastAt }, timeOfDay(event.lastAt, { seconds: true })),
    el("span", { lang: "en" }, el("b", {}, `${event.session} ${event.reason}${times}`), ` ${event.message}`),
  );
}
