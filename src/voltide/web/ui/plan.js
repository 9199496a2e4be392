// @ts-check
// The plan ahead, asked anew every half a minute, and its reasons as sentences.
import { effect, signal } from "@preact/signals";
import { kwhRound, moment, number, percent } from "./format.js";
import { t, word } from "./i18n.js";
import { now, station } from "./store.js";

/** @typedef {import("./types.js").PlanPicture} PlanPicture */
/** @typedef {import("./types.js").ReasonPicture} ReasonPicture */
/** @typedef {import("./types.js").EventPlan} EventPlan */
/** @typedef {import("./types.js").OutletPicture} OutletPicture */

const REFRESH_MS = 30e3;
/** An energy, or a power, of less than this is told to nobody. */
const NOTHING = 500;

/** @type {import("@preact/signals").Signal<PlanPicture | null>} */
export const plan = signal(null);

let asked = 0;
let asking = false;

/** @param {number} at */
async function refresh(at) {
  asking = true;
  try {
    const answer = await fetch("/api/plan");
    if (answer.ok) plan.value = await answer.json();
  } catch { /* the header says that the line is down */ } finally {
    asking = false;
    asked = at;
  }
}

/** Follows the station from now on. */
export function followPlan() {
  effect(() => {
    const at = Date.parse(station.value?.at ?? "");
    if (at && !asking && Math.abs(at - asked) > REFRESH_MS) refresh(at);
  });
}

/** What is planned for the car at an outlet; null: nothing. @param {OutletPicture} outlet */
export function planOf(outlet) {
  return plan.value?.cars.find((car) => car.outlet === outlet.id && car.session === outlet.session) ?? null;
}

/** The limit that others share, by its name. @param {string} limit */
function named(limit) {
  if (limit.startsWith("node:")) return t("limit.node", { node: limit.slice(5) });
  return limit === "connection" || limit === "peak" ? t(`limit.${limit}`) : "";
}

/** All figures of a reason as people read them. @param {ReasonPicture} reason */
function figures(reason) {
  const zone = station.value?.timezone ?? "UTC";
  const when = (/** @type {string | null} */ iso) => (iso ? moment(Date.parse(iso), now.value, zone) : "–");
  return {
    until: when(reason.until), then: when(reason.then_at), by: when(reason.by), limit: named(reason.limit),
    price: number(reason.price, 2), then_price: number(reason.then_price ?? 0, 2), worth: number(reason.limit_worth ?? 0, 2),
    need: percent(reason.need_soc), floor: percent(reason.floor_soc), missing: kwhRound(reason.missing_wh), short: kwhRound(reason.short_wh),
  };
}

/** What belongs to the sentence beside what is done. @param {ReasonPicture} reason @param {boolean} gives */
function clauses(reason, gives) {
  const waits = reason.code.startsWith("waits-");
  const held = reason.code.startsWith("limited-by");
  const ours = !["imports", "exports", "even"].includes(reason.code); // the connection has no next thing to tell
  const found = [];
  const follows = reason.then_at === reason.until;
  if (reason.then_at && ours && !waits && !(held && follows)) found.push(`${follows ? "next" : "then"}-${reason.then_way}`);
  if (!held && named(reason.limit)) found.push("held");
  if (named(reason.limit) && (reason.limit_worth ?? 0) >= 0.01) found.push("room");
  if (reason.by && reason.missing_wh > NOTHING) found.push(reason.need_soc === null ? "need-kwh" : "need");
  else if (reason.by && reason.need_soc !== null && reason.code !== "full") found.push("met");
  if (reason.by && reason.short_wh > NOTHING) found.push("short");
  if (gives && reason.floor_soc !== null) found.push("floor");
  return found;
}

/** Some codes are said in two ways, by their figures. @param {ReasonPicture} reason */
function manner({ code, power_w: power, price, then_price: later }) {
  if (code === "limited-by" && power < NOTHING) return "limited-by-waits";
  return code === "waits-to-give" && (later ?? 0) < price + 0.005 ? "waits-to-give-later" : code;
}

/** One sentence; a code that is new to us is shown as it is. @param {ReasonPicture} reason @param {boolean} gives the driver agrees to give back */
export function sentence(reason, gives = false) {
  const values = figures(reason);
  const code = manner(reason);
  const head = word("reason", code) === code ? code : t(`reason.${code}`, values);
  return [head, ...clauses(reason, gives).map((one) => t(`clause.${one}`, values))].join(t("plan.and")) + t("plan.stop");
}

/** What is planned for a grid order. @param {EventPlan} event */
export function eventSentence(event) {
  const zone = station.value?.timezone ?? "UTC";
  const when = (/** @type {string} */ iso) => moment(Date.parse(iso), now.value, zone);
  const values = { id: event.id, start: when(event.start), end: when(event.end), asked: kwhRound(event.asked_wh), planned: kwhRound(event.planned_wh) };
  return t(`reason.${event.reason.code}`, values) + t("plan.stop");
}
