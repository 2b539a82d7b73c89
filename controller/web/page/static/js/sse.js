// Server-sent events over fetch: unlike EventSource it sends headers, and tells which status was answered.

import { problemOf, request } from "./api.js";

const OPENING = 20_000;

/**
 * Reads one stream until it ends; rejects with Problem or Unanswered.
 * @param {string} path @param {(kind: string, data: any) => void} heard
 * @param {{signal: AbortSignal, lastId?: string, silence: number}} options silence: ms without a byte after which it counts as dead
 * @returns {Promise<string>} the id of the last event, for going on from there
 */
export async function readStream(path, heard, { signal, lastId = "", silence }) {
  const gone = new AbortController();
  signal.addEventListener("abort", () => gone.abort(), { once: true });
  const headers = { Accept: "text/event-stream", ...(lastId && { "Last-Event-ID": lastId }) };
  const response = await request("GET", path, { headers, signal: gone.signal, patience: OPENING });
  if (!response.ok) throw await problemOf(response);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return lastId;
  let [rest, id, alarm] = ["", lastId, 0];
  try {
    for (;;) {
      clearTimeout(alarm);
      alarm = setTimeout(() => gone.abort(), silence);
      const { done, value } = await reader.read();
      if (done) return id;
      const blocks = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parse(block);
        id = event.id ?? id;
        if (event.data) heard(event.kind, JSON.parse(event.data));
      }
    }
  } finally {
    clearTimeout(alarm);
  }
}

/** One event from its lines; comments are heartbeats. @param {string} block */
export function parse(block) {
  /** @type {{kind: string, data: string, id?: string}} */
  const event = { kind: "message", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    if (field === "event") event.kind = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += (event.data && "\n") + value;
  }
  return event;
}
