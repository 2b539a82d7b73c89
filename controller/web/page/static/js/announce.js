// What is said to people who do not see the page.

import { byId } from "./dom.js";

/** At the next pause. @param {string} text */
export function announce(text) {
  speak(byId("polite"), text);
}

/** At once: only for what cannot wait. @param {string} text */
export function interrupt(text) {
  speak(byId("assertive"), text);
}

/** The same words twice are said twice. @param {HTMLElement} region @param {string} text */
function speak(region, text) {
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}
