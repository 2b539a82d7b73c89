// What stands above and beside the table: notices, numbers, templates and pools.

import { byId, el } from "./dom.js";
import { duration, has, number, size, t } from "./i18n.js";

const STEPS = /** @type {Record<string, string>} */ ({
  Pending: "queued", Creating: "creating", Starting: "starting", Ready: "ready",
  Held: "held", Terminating: "ending", Expired: "ended", Failed: "failed",
});

/** Nodes are replaced only when what they say has changed: live regions speak, and selections are lost, at each change. @param {HTMLElement} place @param {HTMLElement[]} nodes */
function put(place, nodes) {
  const same = nodes.length === place.children.length && nodes.every((node, index) => node.isEqualNode(place.children[index] ?? null));
  if (!same) place.replaceChildren(...nodes);
}

/** @param {import("./types.js").Status} status */
export function showNotices({ notices, ready }) {
  const shown = notices.map(({ reason, sentence }) =>
    el(
      "div",
      { class: "panel problem patience notice", "data-reason": reason },
      el("p", { class: "title" }, reason),
      has(`reason.${reason}`) && el("p", {}, t(`reason.${reason}`)),
      el("p", { class: "small", lang: "en" }, sentence),
    ),
  );
  const calm = el("p", { class: ready ? "panel notice calm" : "panel notice" }, t(ready ? "admin.calm" : "admin.notReady"));
  put(byId("notices"), shown.length ? shown : [calm]);
}

/** @param {import("./types.js").Status} status */
export function showOverview({ phases, capacity, queue, version, controller }) {
  const tiles = Object.entries(phases)
    .filter(([phase, count]) => count > 0 || phase === "Ready")
    .map(([phase, count]) => tile(STEPS[phase] ? t(`step.${STEPS[phase]}`) : phase, number(count)));
  if (capacity !== null) {
    tiles.push(tile(t("admin.used"), number(capacity.used)));
    tiles.push(tile(t("admin.free"), capacity.free === null ? t("admin.free.unlimited") : number(capacity.free)));
  }
  if (queue !== null) tiles.push(tile(t("admin.queue"), number(queue)));
  put(byId("overview"), tiles);
  byId("version").textContent = t("admin.version", { version, controller });
}

/** @param {string} title @param {string} value */
function tile(title, value) {
  return el("dl", { class: "tile" }, el("dt", {}, title), el("dd", {}, value));
}

/** @param {import("./types.js").Template[]} templates */
export function showTemplates(templates) {
  const rows = templates.map(({ name, cores, memory, disk, ttlSeconds, maxTtlSeconds, description }) =>
    el(
      "div",
      { class: "entry" },
      el("dt", {}, name),
      description && el("dd", {}, description),
      el(
        "dd",
        { class: "quiet small" },
        t("admin.templates.text", { cores: cores ?? "–", memory: size(memory), disk: size(disk), ttl: duration(ttlSeconds ?? 0), max: duration(maxTtlSeconds ?? 0) }),
      ),
    ),
  );
  put(byId("templates"), [rows.length ? el("dl", { class: "entries" }, ...rows) : el("p", { class: "quiet" }, t("admin.templates.none"))]);
}

/** @param {{name: string}[]} pools */
export function showPools(pools) {
  const names = pools.map(({ name }) => el("li", {}, name));
  put(byId("pools"), [names.length ? el("ul", {}, ...names) : el("p", { class: "quiet" }, t("admin.pools.none"))]);
}
