// How to get into a desktop: address, user and password, the .rdp file, and what to do with it on each system.
// The password is fetched when it is asked for and leaves the page when it is hidden.

import { address, call, sessionPath } from "./api.js";
import { announce } from "./announce.js";
import { copyButton } from "./copy.js";
import { button, el } from "./dom.js";
import { sentence } from "./failure.js";
import { t } from "./i18n.js";
import { manuals } from "./manuals.js";

/**
 * @typedef {import("./types.js").Session} Session
 * @typedef {import("./types.js").Credential} Credential
 */

const STANDARD_PORT = 3389;

export class WayIn {
  #session;
  #rows = el("dl", { class: "ways" });
  #manuals = el("div");
  #problem = el("p", { class: "warning", role: "alert", hidden: true });

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
    this.element = el(
      "div",
      { class: "way-in" },
      this.#rows,
      this.#problem,
      el("div", { class: "row" }, this.#download()),
      el("div", { class: "connect" }, el("h4", {}, t("connect.title")), this.#manuals),
    );
    this.#hide();
  }

  #host() {
    const { address: host, port } = this.#session;
    return hostAndPort(host ?? "", port ?? STANDARD_PORT);
  }

  #hide() {
    const show = button("reveal", t("password.show"), () => void this.#reveal(), "slim");
    this.#rows.replaceChildren(
      row(t("way.address"), this.#host(), copyButton(t("way.address"), () => this.#host())),
      row(t("way.password"), el("span", { class: "quiet" }, t("password.hidden")), show),
    );
    this.#manuals.replaceChildren(...manuals(null));
  }

  async #reveal() {
    this.#problem.hidden = true;
    try {
      this.#show(await call("GET", `${sessionPath(this.#session.name)}/credential`));
    } catch (error) {
      this.#problem.hidden = false;
      this.#problem.textContent = sentence(error);
    }
  }

  /** @param {Credential} credential */
  #show(credential) {
    const { username, password, nextPassword } = credential;
    const hide = button("hide", t("password.hide"), () => this.#hideAndSay(), "slim");
    const host = hostAndPort(credential.address, credential.port);
    this.#rows.replaceChildren(
      row(t("way.address"), host, copyButton(t("way.address"), () => host)),
      row(t("way.user"), username, copyButton(t("way.user"), () => username)),
      password === null
        ? row(t("way.password"), el("span", { class: "quiet" }, t(`password.${credential.credentials}`)), hide)
        : row(t("way.password"), password, copyButton(t("way.password"), () => password), hide),
      ...(nextPassword === null ? [] : [row(t("way.next"), nextPassword, copyButton(t("way.next"), () => nextPassword))]),
    );
    this.#manuals.replaceChildren(...manuals({ ...credential, host }));
    hide.focus();
    announce(t("password.shown"));
  }

  #hideAndSay() {
    this.#hide();
    /** @type {HTMLElement|null} */ (this.#rows.querySelector("[data-do=reveal]"))?.focus();
    announce(t("password.hidden"));
  }

  #download() {
    const path = `${sessionPath(this.#session.name)}/rdp`;
    const file = `${this.#session.name}.rdp`;
    return el("a", { class: "button primary wide-on-phone", href: address(path), download: file, "data-do": "rdp" }, t("rdp"));
  }
}

/** @param {string} host @param {number} port */
function hostAndPort(host, port) {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === STANDARD_PORT ? name : `${name}:${port}`;
}

/** @param {string} title @param {string|HTMLElement} value @param {...(HTMLElement|string)} actions */
function row(title, value, ...actions) {
  const shown = typeof value === "string" ? el("span", { class: "value" }, value) : value;
  return el("div", {}, el("dt", {}, title), el("dd", {}, shown), el("dd", { class: "row" }, ...actions));
}
