// What to do with the file, system by system; the one that the person probably sits at comes first and is open.

import { copyButton } from "./copy.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";

/** @typedef {import("./types.js").Credential & {host: string}} Way */

const SYSTEMS = /** @type {const} */ (["windows", "mac", "linux", "phone"]);
const STEPS = {
  windows: ["connect.windows.open", "connect.windows.warning", "connect.password"],
  mac: ["connect.mac.install", "connect.mac.open", "connect.password"],
  linux: ["connect.linux.open", "connect.password"],
  phone: ["connect.phone.install", "connect.phone.open", "connect.password"],
};

/** @returns {typeof SYSTEMS[number]} */
function probable() {
  const agent = navigator.userAgent;
  if (/Android|iPhone|iPad/.test(agent) || (/Mac/.test(agent) && navigator.maxTouchPoints > 1)) return "phone";
  if (/Windows/.test(agent)) return "windows";
  return /Mac/.test(agent) ? "mac" : "linux";
}

/** @param {Way|null} way null as long as the person did not ask for it */
export function manuals(way) {
  const here = probable();
  return [...SYSTEMS]
    .sort((one, other) => Number(other === here) - Number(one === here))
    .map((system) =>
      el(
        "details",
        { open: system === here, "data-system": system },
        el("summary", {}, t(`connect.${system}`)),
        el("ol", {}, ...STEPS[system].map((key) => el("li", {}, t(key)))),
        ...(system === "linux" ? commandLine(way) : []),
      ),
    );
}

/** FreeRDP compares the certificate by itself, which no .rdp file can ask for. @param {Way|null} way */
function commandLine(way) {
  const intro = el("p", { class: "small quiet" }, t("connect.linux.command"));
  if (way === null) return [intro, el("p", { class: "small quiet" }, t("connect.linux.hidden"))];
  const certificate = way.fingerprint === null ? "" : ` /cert:deny,fingerprint:sha256:${way.fingerprint}`;
  const command = `xfreerdp /v:${way.host} /u:${way.username}${certificate}`;
  return [intro, el("div", { class: "command" }, el("code", {}, command), copyButton(t("connect.command"), () => command))];
}
