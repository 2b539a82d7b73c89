// The button, and the choices behind it.

import { announce } from "./announce.js";
import { Unanswered } from "./api.js";
import { byId, button, el, say } from "./dom.js";
import { failurePanel } from "./failure.js";
import { current, duration, size, t } from "./i18n.js";
import { order, unanswered } from "./intent.js";
import { solved } from "./puzzle.js";

/** @typedef {import("./types.js").Template} Template */

const MINUTES = [15, 30, 45, 60, 90, 120, 180, 240, 480, 720, 1440];
const BUSY_AFTER = 5_000;

export class Launcher {
  /** @type {import("./types.js").Me} */
  #me;
  /** @type {Template[]} */
  #templates;
  #launched;
  #busy = false;
  #open = false;
  /** What the person chose; null: as the house does. @type {{template: string|null, minutes: number|null}} */
  #choice = { template: null, minutes: null };
  /** The last failure, for showing it in another language. @type {unknown} */
  #failure = null;

  /**
   * @param {import("./types.js").Me} me @param {Template[]} templates
   * @param {(session: import("./types.js").Session) => void} launched
   */
  constructor(me, templates, launched) {
    this.#me = me;
    this.#templates = templates;
    this.#launched = launched;
    const pending = unanswered();
    if (pending) void this.#order(pending);
  }

  /** What does not change the choices, such as whether there are desktops already. */
  update() {
    this.#showState();
  }

  /** Made anew, in the language of now. */
  show() {
    const press = button("launch", "", () => void this.press(), "primary big");
    const puzzle = el("div", { id: "launch-puzzle" });
    byId("launch-area").replaceChildren(puzzle, press, el("p", { class: "hint", id: "launch-hint" }), this.#options());
    this.#showState();
    this.#showFailure();
  }

  /** A press while one is under way is the same press. */
  async press() {
    if (!this.#busy) await this.#order(this.#wish());
  }

  /** The same once more, as after a session that failed. @param {import("./types.js").Session} session */
  async again(session) {
    if (!this.#busy) await this.#order({ ...this.#wish(), ...(session.template && { template: session.template }) });
  }

  /** @returns {import("./types.js").Wish} */
  #wish() {
    const { template, minutes } = this.#choice;
    return { ...(template && { template }), ...(minutes && { durationMinutes: minutes }), language: current() };
  }

  /** @param {import("./types.js").Wish} wish */
  async #order(wish) {
    this.#busy = true;
    this.#failure = null;
    this.#showFailure();
    this.#showState();
    const slow = setTimeout(() => announce(t("launch.slow")), BUSY_AFTER);
    try {
      const captcha = this.#me.captcha && (await solved(this.#me.captcha.siteKey, byId("launch-puzzle")));
      this.#launched(await order(wish, captcha));
    } catch (error) {
      this.#failure = error;
    } finally {
      clearTimeout(slow);
      this.#busy = false;
      this.#showState();
      this.#showFailure();
    }
  }

  #showState() {
    const press = document.querySelector("#launch-area [data-do=launch]");
    const another = byId("launch").classList.contains("another");
    say(press, t(this.#busy ? "launch.busy" : another ? "launch.another" : "launch.button"));
    press?.setAttribute("aria-disabled", String(this.#busy));
    say(document.getElementById("launch-hint"), this.#hint());
  }

  #hint() {
    return t("launch.hint", { duration: duration(this.#seconds()) });
  }

  /** How long the desktop would be there. */
  #seconds() {
    const { minutes, template } = this.#choice;
    if (minutes !== null) return minutes * 60;
    const usual = template === null ? null : this.#template()?.ttlSeconds ?? null;
    return usual ?? this.#me.defaults.durationMinutes * 60;
  }

  #template() {
    const name = this.#choice.template ?? this.#me.defaults.template;
    return this.#templates.find((template) => template.name === name) ?? null;
  }

  #showFailure() {
    const panel =
      this.#failure === null
        ? []
        : [
            failurePanel(this.#failure, {
              title: t(this.#failure instanceof Unanswered ? "launch.unknown" : "launch.refused"),
              retry: () => void this.press(),
              signIn: this.#me.loginUrl,
            }),
          ];
    byId("launch-problem").replaceChildren(...panel);
  }

  #options() {
    const fields = el("div", { class: "fields" }, this.#templateField(), this.#durationField());
    const toggle = (/** @type {Event} */ event) => {
      this.#open = /** @type {HTMLDetailsElement} */ (event.target).open;
    };
    return el("details", { class: "options", open: this.#open, toggle }, el("summary", {}, t("launch.options")), fields);
  }

  #templateField() {
    if (this.#templates.length < 2) return null;
    const chosen = this.#choice.template ?? this.#me.defaults.template;
    const options = this.#templates.map(({ name, cores, memory, description }) =>
      el(
        "option",
        { value: name, selected: name === chosen },
        description || (cores && memory ? t("launch.template.option", { name, cores, memory: size(memory) }) : name),
      ),
    );
    return this.#field("launch.template", options, (value) => {
      this.#choice = { template: value, minutes: null };
      this.show();
      /** @type {HTMLElement|null} */ (document.querySelector("#launch-area select"))?.focus();
    });
  }

  #durationField() {
    const chosen = this.#seconds();
    const longest = this.#template()?.maxTtlSeconds ?? this.#me.defaults.maxDurationMinutes * 60;
    const minutes = new Set([...MINUTES.filter((value) => value * 60 <= longest), chosen / 60]);
    const options = [...minutes]
      .sort((one, other) => one - other)
      .map((value) => el("option", { value, selected: value * 60 === chosen }, duration(value * 60)));
    return this.#field("launch.duration", options, (value) => {
      this.#choice.minutes = Number(value);
      this.#showState();
    });
  }

  /** @param {string} key @param {HTMLElement[]} options @param {(value: string) => void} chosen */
  #field(key, options, chosen) {
    const change = (/** @type {Event} */ event) => chosen(/** @type {HTMLSelectElement} */ (event.target).value);
    return el("label", {}, t(key), el("select", { change, name: key.split(".")[1] }, ...options));
  }
}
