// @ts-check
// The chargers themselves: which of their pages is open, and what the station says of them, asked anew each second.
import { effect, signal } from "@preact/signals";
import { station } from "./store.js";

/** @typedef {import("./chargertypes.js").ChargersPicture} ChargersPicture */
/** @typedef {import("./chargertypes.js").ChargerPicture} ChargerPicture */

const CHARGERS = "#/chargers";

/** The page behind the address: the station, all chargers ("") or one of them. @returns {string | null} */
function read() {
  if (!location.hash.startsWith(CHARGERS)) return null;
  try { return decodeURIComponent(location.hash.slice(CHARGERS.length + 1)); } catch { return ""; }
}

/** null: the station's page; "": the list; else the identity of one charger. */
export const place = signal(read());
/** @type {import("@preact/signals").Signal<ChargersPicture | null>} */
export const list = signal(null);
/** The charger whose page is open; false: there is none of this name. @type {import("@preact/signals").Signal<ChargerPicture | false | null>} */
export const one = signal(null);

/** @param {string} [id] */
export const addressOf = (id) => (id ? `${CHARGERS}/${encodeURIComponent(id)}` : CHARGERS);

/** @param {string} path @returns {Promise<any>} */
async function ask(path) {
  const answer = await fetch(path);
  return answer.ok ? answer.json() : answer.status === 404 ? false : null;
}

let asking = false;

/** Asks what the open page shows; where the line is down, what is shown grows old and says so. */
export async function refresh() {
  const here = place.peek();
  if (asking || here === null) return;
  asking = true;
  try {
    const found = await ask(here ? `/api/chargers/${encodeURIComponent(here)}` : "/api/chargers");
    if (place.peek() !== here || found === null) return;
    if (here) one.value = found;
    else list.value = found || list.peek();
  } catch { /* the header says that the line is down */ } finally {
    asking = false;
  }
}

/** Follows the address and the station from now on. */
export function followChargers() {
  addEventListener("hashchange", () => {
    place.value = read();
    one.value = null;
    scrollTo(0, 0);
  });
  place.value = read(); // it may have changed while the words were fetched
  effect(() => {
    if (place.value !== null && station.value) refresh();
  });
}
