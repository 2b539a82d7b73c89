// Making and changing elements. Text is always text: nothing here or elsewhere parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes (functions become listeners; null and false are left out) and children.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string|null|false|undefined)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** @param {string} type @param {string} text @param {() => void} click @param {string} [look] */
export function button(type, text, click, look = "") {
  return /** @type {HTMLButtonElement} */ (
    el("button", { type: "button", class: look || null, "data-do": type, click }, text)
  );
}

/** Text that is set only when it changes: a live region speaks only then, and a selection survives. @param {Element|null} element @param {string} text */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element #${id}`);
  return found;
}

/** A tick for a step that is done. */
export function tick() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "tick");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "M3 8.5 6.5 12 13 4.5");
  svg.append(path);
  return svg;
}
