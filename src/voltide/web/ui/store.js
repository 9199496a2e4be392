// @ts-check
// What the page knows. Each outlet is a signal of its own, so a change redraws one tile.
import { batch, computed, signal } from "@preact/signals";

/** @typedef {import("./types.js").StationPicture} StationPicture */
/** @typedef {import("./types.js").OutletPicture} OutletPicture */

/** Everything but the outlets. @type {import("@preact/signals").Signal<StationPicture | null>} */
export const station = signal(null);
/** @type {import("@preact/signals").Signal<import("@preact/signals").Signal<OutletPicture>[]>} */
export const outlets = signal([]);
/** @type {import("@preact/signals").Signal<"connecting" | "live" | "reconnecting">} */
export const line = signal("connecting");
/** Ticks once a second. */
export const tick = signal(0);
export const signedIn = signal(false);
/** The id of the outlet whose panel is open. @type {import("@preact/signals").Signal<string | null>} */
export const opened = signal(null);

export const STALE_S = 5;
/** An outlet's reading older than this is not believed. */
export const OLD_READING_S = 30;

let heardAt = performance.now();

setInterval(() => { tick.value += 1; }, 1000);

/** Seconds since the picture changed last. */
export const silence = computed(() => {
  tick.value;
  station.value;
  return (performance.now() - heardAt) / 1000;
});
export const stale = computed(() => station.value !== null && silence.value > STALE_S);

/** The station's own time, in ms: right even where the browser's clock is not. */
export const now = computed(() => {
  tick.value;
  const at = station.value?.at;
  return at ? Date.parse(at) + (performance.now() - heardAt) : Date.now();
});

/** @param {StationPicture} picture */
export function show(picture) {
  heardAt = performance.now();
  batch(() => {
    const known = new Map(outlets.peek().map((outlet) => [outlet.peek().id, outlet]));
    outlets.value = picture.outlets.map((outlet) => {
      const old = known.get(outlet.id);
      if (!old) return signal(outlet);
      old.value = outlet;
      return old;
    });
    station.value = picture;
  });
}

/**
 * Lists replace, objects merge: by id in `outlets` and `nodes`.
 * @param {Record<string, any>} delta
 */
export function change(delta) {
  const before = station.peek();
  if (!before) return;
  heardAt = performance.now();
  batch(() => {
    const { outlets: changed, nodes, ...fields } = delta;
    if (Array.isArray(changed)) show({ ...before, outlets: changed });
    else if (changed) {
      for (const outlet of outlets.peek()) {
        const now = changed[outlet.peek().id];
        if (now) outlet.value = { ...outlet.peek(), ...now };
      }
    }
    const merged = Array.isArray(nodes) ? nodes
      : nodes ? before.nodes.map((node) => (nodes[node.id] ? { ...node, ...nodes[node.id] } : node)) : before.nodes;
    station.value = { ...before, ...fields, nodes: merged };
  });
}

/** What an outlet is to the one who looks: its state, or what is wrong with it. @param {OutletPicture} outlet */
export function look(outlet) {
  if (!outlet.online || outlet.state === "offline") return "offline";
  if (outlet.state !== "faulted" && outlet.state !== "unavailable" && (outlet.age_s ?? 0) > OLD_READING_S) return "stale";
  return outlet.state;
}

const TROUBLE = new Set(["offline", "faulted", "stale", "unavailable"]);

/** @param {OutletPicture} outlet @returns {string} */
export function kindOf(outlet) {
  const state = look(outlet);
  if (TROUBLE.has(state)) return "trouble";
  if (state === "available") return "free";
  if (state === "charging" || state === "discharging") return state;
  return "waiting";
}

export const counts = computed(() => {
  /** @type {Record<string, number>} */
  const count = { all: 0, charging: 0, discharging: 0, waiting: 0, free: 0, trouble: 0 };
  for (const outlet of outlets.value) {
    for (const kind of ["all", kindOf(outlet.value)]) count[kind] = (count[kind] ?? 0) + 1;
  }
  return count;
});

/** What the bidirectional outlets can give back, in W: by their plates, and with the cars that agree now. */
export const giveback = computed(() => {
  let plate = 0;
  let cars = 0;
  for (const { value: outlet } of outlets.value) {
    if (kindOf(outlet) === "trouble") continue;
    plate += outlet.max_discharge_w;
    if (outlet.v2g && outlet.session) cars += outlet.max_discharge_w;
  }
  return { plate, cars };
});
