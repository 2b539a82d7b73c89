// Calls of /api/v1: JSON in, JSON out, and two kinds of failure. What a failure means to people is in failure.js.

import { heard } from "./servertime.js";

const BASE = new URL("api/v1/", document.baseURI);
const PATIENCE = 20_000;

/** The server answered, and the answer is no. */
export class Problem extends Error {
  /** @param {number} status @param {{title?: string, detail?: string}} said @param {number|null} retryAfter */
  constructor(status, said, retryAfter) {
    super(said.detail || said.title || String(status));
    this.status = status;
    this.title = said.title ?? "";
    this.detail = said.detail ?? "";
    /** Seconds after which another try may succeed. */
    this.retryAfter = retryAfter;
  }
}

/** Nobody answered: whether the server did what was asked is not known. */
export class Unanswered extends Error {}

/** @type {Set<(reached: boolean) => void>} */
const listeners = new Set();

/** Calls back after each request: whether a server was reached. @param {(reached: boolean) => void} listener */
export function onContact(listener) {
  listeners.add(listener);
}

/** @param {boolean} reached */
function contact(reached) {
  for (const listener of listeners) listener(reached);
}

/** @param {string} path below /api/v1/ */
export function address(path) {
  return new URL(path, BASE).href;
}

/**
 * One request; resolves with the response whatever its status. Rejects with Unanswered.
 * @param {string} method @param {string} path
 * @param {{body?: object, headers?: Record<string, string>, signal?: AbortSignal, patience?: number}} [options]
 * @returns {Promise<Response>}
 */
export async function request(method, path, { body, headers = {}, signal, patience = PATIENCE } = {}) {
  const waiting = new AbortController();
  const alarm = setTimeout(() => waiting.abort(), patience);
  signal?.addEventListener("abort", () => waiting.abort(), { once: true });
  try {
    const response = await fetch(address(path), {
      method,
      headers: {
        Accept: "application/json",
        ...(body && { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body && JSON.stringify(body),
      signal: waiting.signal,
      credentials: "same-origin",
      cache: method === "GET" ? "no-cache" : "no-store",
      redirect: "manual", // a proxy that wants a login sends away: that is an answer, and not this API's
    });
    contact(!(response.status >= 502 && !isJson(response)));
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    contact(false);
    throw new Unanswered(String(error));
  } finally {
    clearTimeout(alarm);
  }
}

/** @param {Response} response @returns {Promise<Problem|Unanswered>} */
export async function problemOf(response) {
  if (response.type === "opaqueredirect") return new Problem(401, { title: "NotLoggedIn" }, null);
  const said = isJson(response) ? await response.json().catch(() => ({})) : null;
  // Gateways answer in HTML, and say nothing about what the server behind them did.
  if (said === null && response.status >= 502) return new Unanswered(`HTTP ${response.status}`);
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return new Problem(response.status, said ?? {}, Number.isFinite(after) ? after : null);
}

/** @param {Response} response */
function isJson(response) {
  return /[/+]json\b/.test(response.headers.get("Content-Type") ?? "");
}

/**
 * One request whose answer is JSON. Rejects with Problem or Unanswered.
 * @param {string} method @param {string} path
 * @param {{body?: object, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function call(method, path, options) {
  const sent = Date.now();
  const response = await request(method, path, options);
  if (!response.ok) throw await problemOf(response);
  let answer;
  try {
    answer = await response.json();
  } catch (error) {
    throw new Unanswered(String(error)); // it broke off
  }
  const time = answer.serverTime ?? answer.items?.[0]?.serverTime;
  if (time) heard(Date.parse(time), sent, Date.now());
  return answer;
}

/** @param {string} name */
export function sessionPath(name) {
  return `sessions/${encodeURIComponent(name)}`;
}
