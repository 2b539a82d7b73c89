// Copying to the clipboard, also where the page came over plain HTTP and browsers offer no clipboard.

import { announce } from "./announce.js";
import { button, el } from "./dom.js";
import { t } from "./i18n.js";

const SHOWN = 2_000;

/** @param {string} text @returns {Promise<boolean>} */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return byCommand(text); // no clipboard here, or no permission
  }
}

/** @param {string} text */
function byCommand(text) {
  const back = /** @type {HTMLElement|null} */ (document.activeElement);
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  back?.focus();
  return copied;
}

/**
 * A button that copies and says so.
 * @param {string} what what is copied, for people who hear the button by itself @param {() => string} text
 */
export function copyButton(what, text) {
  const word = el("span", {}, t("copy"));
  const made = button("copy", "", press, "slim");
  made.append(word, el("span", { class: "unseen" }, ` ${what}`));
  let back = 0;
  async function press() {
    const outcome = t((await toClipboard(text())) ? "copy.done" : "copy.failed");
    word.textContent = outcome;
    announce(outcome);
    clearTimeout(back);
    back = setTimeout(() => (word.textContent = t("copy")), SHOWN);
  }
  return made;
}
