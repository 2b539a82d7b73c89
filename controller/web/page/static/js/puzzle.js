// A puzzle before a launch, where the settings name one. This page loads nothing from elsewhere: whoever wants a puzzle
// puts a module `captcha.js` beside it, with `solve(siteKey, place)` that shows the puzzle and resolves with the answer,
// and allows in their own Content-Security-Policy what that module needs.

import { Problem } from "./api.js";

/** @param {string} siteKey @param {HTMLElement} place @returns {Promise<string>} */
export async function solved(siteKey, place) {
  const module = await import(new URL("captcha.js", document.baseURI).href).catch(() => null);
  if (typeof module?.solve !== "function") throw new Problem(503, { title: "CaptchaUnavailable" }, null);
  try {
    return await module.solve(siteKey, place);
  } finally {
    place.replaceChildren();
  }
}
