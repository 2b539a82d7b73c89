// What time it is at the server. The clock of this device may be wrong, be set, or stand still while it sleeps:
// only the server's clock counts, and each answer that carries it is taken as a new reading.

const SLOW = 5_000;
const JUMP = 2_000;

/** Milliseconds to add to this device's clock; unknown before the first answer. @type {number|null} */
let offset = null;
let wall = Date.now();
let steady = performance.now();

/** A reading of the server's clock, with when it was asked for and received (all in ms). @param {number} server @param {number} sent @param {number} received */
export function heard(server, sent, received) {
  if (!Number.isFinite(server) || received < sent) return;
  if (offset !== null && received - sent > SLOW) return; // too vague to replace a better one
  offset = server - (sent + received) / 2;
}

/** A reading that arrived by itself: used only where there is no better one. @param {number} server */
export function overheard(server) {
  if (offset === null && Number.isFinite(server)) offset = server - Date.now();
}

/** Milliseconds since 1970, as the server counts them. */
export function now() {
  return Date.now() + (offset ?? 0);
}

/** Seconds until a time the server gave. @param {string|null} time @returns {number|null} */
export function secondsUntil(time) {
  return time === null ? null : (Date.parse(time) - now()) / 1000;
}

/** Whether the device slept or its clock was set since the last call: then the server has to be asked again. */
export function jumped() {
  const [oldWall, oldSteady] = [wall, steady];
  wall = Date.now();
  steady = performance.now();
  return Math.abs(wall - oldWall - (steady - oldSteady)) > JUMP;
}
