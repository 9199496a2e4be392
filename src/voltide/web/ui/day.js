// @ts-check
// The day as columns: the minutes that are stored, and the minute that is being lived.
import { effect, signal } from "@preact/signals";
import { history } from "./api.js";
import { station } from "./store.js";

/** @typedef {import("./types.js").Minute} Minute */

const SPAN_MS = 24 * 3600e3;
const REFRESH_MS = 5 * 60e3;
const MINUTE_MS = 60e3;

/** The last 24 hours, oldest first. @type {import("@preact/signals").Signal<Minute[]>} */
export const minutes = signal([]);

/** @type {{ minute: number, count: number, sums: Record<string, number> } | null} */
let living = null;
let asked = 0;
let asking = false;

const POWERS = /** @type {const} */ (["grid_w", "pv_w", "battery_w", "building_w", "cars_in_w", "cars_out_w"]);

/** @param {number} now */
async function refresh(now) {
  asking = true;
  const stored = await history(now - SPAN_MS, now);
  asking = false;
  asked = now;
  if (!stored) return;
  const last = stored.length ? Date.parse(stored[stored.length - 1]?.at ?? "") : 0;
  minutes.value = [...stored, ...minutes.peek().filter((minute) => Date.parse(minute.at) > last)];
}

/** Adds one second to the minute that it belongs to. @param {import("./types.js").StationPicture} picture */
function live(picture) {
  const at = Date.parse(picture.at);
  const minute = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  if (!living || living.minute !== minute) living = { minute, count: 0, sums: {} };
  living.count += 1;
  for (const name of POWERS) living.sums[name] = (living.sums[name] ?? 0) + (picture[name] ?? 0);
  const { count, sums } = living;
  const mean = Object.fromEntries(POWERS.map((name) => [name, (sums[name] ?? 0) / count]));
  const point = /** @type {Minute} */ ({
    ...mean, at: new Date(minute).toISOString(), battery_soc: picture.battery_soc, price_buy: picture.price_buy, connected: 0,
  });
  const kept = minutes.peek();
  const last = kept[kept.length - 1];
  const rest = last && Date.parse(last.at) >= minute ? kept.slice(0, -1) : kept;
  minutes.value = [...rest.filter((each, index) => index > 0 || Date.parse(each.at) > at - SPAN_MS), point];
}

/** Follows the station from now on. */
export function follow() {
  effect(() => {
    const picture = station.value;
    if (!picture) return;
    const at = Date.parse(picture.at);
    live(picture);
    if (!asking && Math.abs(at - asked) > REFRESH_MS) refresh(at);
  });
}
