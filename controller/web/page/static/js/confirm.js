// One question before something that cannot be taken back.

import { byId } from "./dom.js";

/**
 * Resolves with whether the person said yes. Escape and "no" are no; focus goes back to where it was.
 * @param {{title: string, text: string, yes: string, no: string}} words @returns {Promise<boolean>}
 */
export function confirmed({ title, text, yes, no }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  if (dialog.open) return Promise.resolve(false);
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  const [agree, refuse] = [byId("confirm-yes"), byId("confirm-no")];
  agree.textContent = yes;
  refuse.textContent = no;
  dialog.returnValue = "";
  agree.onclick = () => dialog.close("yes");
  refuse.onclick = () => dialog.close("");
  dialog.showModal();
  refuse.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
