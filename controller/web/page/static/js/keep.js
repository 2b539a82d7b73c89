// What the browser keeps for this page. Where people forbid that, it is kept as long as the page is open.

/** @type {Map<string, string>} */
const instead = new Map();

/** For all tabs, over restarts of the browser. */
export const localStore = () => localStorage;
/** For this tab, over reloads. */
export const tabStore = () => sessionStorage;

/** @param {() => Storage} store @param {string} place @returns {string|null} */
export function kept(store, place) {
  try {
    return store().getItem(place);
  } catch {
    return instead.get(place) ?? null;
  }
}

/** @param {() => Storage} store @param {string} place @param {string} text */
export function keep(store, place, text) {
  try {
    store().setItem(place, text);
  } catch {
    instead.set(place, text);
  }
}

/** @param {() => Storage} store @param {string} place */
export function forget(store, place) {
  instead.delete(place);
  try {
    store().removeItem(place);
  } catch {
    // nothing was kept there
  }
}
