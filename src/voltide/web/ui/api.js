// @ts-check
// What the page asks and orders. A failure is a value with a code and a sentence, as every answer is.
import { signal } from "@preact/signals";
import { t, word } from "./i18n.js";
import { signedIn } from "./store.js";

/** @typedef {import("./types.js").Reply} Reply */
/** @typedef {{ id: number, done: boolean, text: string, undo: null | (() => void) }} Notice */

/** @type {import("@preact/signals").Signal<Notice[]>} */
export const notices = signal([]);
let counter = 0;

/** @param {boolean} done @param {string} text @param {null | (() => void)} undo */
export function notify(done, text, undo = null) {
  counter += 1;
  const notice = { id: counter, done, text, undo };
  notices.value = [...notices.value.slice(-2), notice];
  setTimeout(() => dismiss(notice.id), undo ? 10000 : 6000);
}

/** @param {number} id */
export function dismiss(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** @param {Record<string, unknown>} body @param {string} [to] @returns {Promise<Reply>} */
async function send(body, to = "/api/orders") {
  try {
    const answer = await fetch(to, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    if (answer.status === 401) signedIn.value = false;
    return { done: false, detail: "", ...(await answer.json()) };
  } catch {
    return { done: false, code: "no-line", detail: "" };
  }
}

/** The reply as a sentence. @param {Reply} reply */
export function said(reply) {
  const text = word("reply", reply.code);
  return reply.done || !reply.detail ? text : t("reply.with-detail", { text, detail: reply.detail });
}

/**
 * Orders, and says what came of it; where it makes sense, with a way back.
 * @param {string} what
 * @param {Record<string, unknown>} body
 * @param {Record<string, unknown> | null} [back] the order that undoes it
 */
export async function order(what, body, back = null) {
  const reply = await send(body);
  const undo = reply.done && back ? () => { order(t("action.undone", { what }), back); } : null;
  notify(reply.done, `${what}: ${said(reply)}`, undo);
  return reply;
}

/**
 * Orders something about a charger itself, or about the door, and says what came of it.
 * @param {string} what
 * @param {Record<string, unknown>} body
 */
export async function care(what, body) {
  const reply = await send(body, "/api/chargers/orders");
  notify(reply.done, `${what}: ${said(reply)}`);
  return reply;
}

/** @param {number} since @param {number} until @returns {Promise<import("./types.js").Minute[] | null>} */
export async function history(since, until) {
  const query = new URLSearchParams({ since: new Date(since).toISOString(), until: new Date(until).toISOString() });
  try {
    const answer = await fetch(`/api/history?${query}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** What the station could promise to give throughout a window. @param {number} since @param {number} until @returns {Promise<import("./types.js").OfferPicture | null>} */
export async function offer(since, until) {
  const query = new URLSearchParams({ since: new Date(since).toISOString(), until: new Date(until).toISOString(), way: "give" });
  try {
    const answer = await fetch(`/api/offer?${query}`);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}
