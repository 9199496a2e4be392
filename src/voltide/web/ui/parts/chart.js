// @ts-check
// How the day is drawn: uPlot with our colours, the price behind, limits and orders as marks.
import uPlot from "uplot";
import { clock } from "../format.js";

/** @typedef {import("../types.js").Minute} Minute */

export const SERIES = /** @type {const} */ ([
  { key: "grid", colour: "--grid", width: 2, of: (/** @type {Minute} */ m) => m.grid_w },
  { key: "sun", colour: "--sun", width: 1.5, fill: true, of: (/** @type {Minute} */ m) => -m.pv_w },
  { key: "storage", colour: "--storage", width: 1.5, of: (/** @type {Minute} */ m) => m.battery_w },
  { key: "cars-in", colour: "--in", width: 1.5, fill: true, of: (/** @type {Minute} */ m) => m.cars_in_w },
  { key: "cars-out", colour: "--out", width: 1.5, fill: true, of: (/** @type {Minute} */ m) => m.cars_out_w },
]);

const GAP_S = 150;

/** @param {Minute[]} minutes @returns {(number | null)[][]} */
export function columns(minutes) {
  /** @type {(number | null)[][]} */
  const table = [[], ...SERIES.map(() => []), []];
  let before = Infinity;
  const push = (/** @type {(number | null)[]} */ row) => row.forEach((value, index) => table[index]?.push(value));
  for (const minute of minutes) {
    const at = Date.parse(minute.at) / 1000;
    if (at - before > GAP_S) push([before + 60, ...SERIES.map(() => null), null]);
    push([at, ...SERIES.map((one) => one.of(minute) / 1000), minute.price_buy]);
    before = at;
  }
  return table;
}

/** @param {string} name */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The price as a band: the dearer the hour, the darker. @param {uPlot} u */
export function drawPrice(u) {
  const [times, price] = [u.data[0], u.data[u.data.length - 1]];
  if (!times?.length || !price) return;
  const known = /** @type {number[]} */ ([...price].filter((value) => value !== null));
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = colour("--price");
  for (let first = 0; first < times.length;) {
    let next = first + 1;
    while (next < times.length && price[next] === price[first]) next += 1;
    const value = price[first];
    if (value !== null && value !== undefined && high > low) {
      const from = Math.max(bbox.left, u.valToPos(times[first] ?? 0, "x", true));
      const to = Math.min(bbox.left + bbox.width, u.valToPos(times[Math.min(next, times.length - 1)] ?? 0, "x", true));
      ctx.globalAlpha = ((value - low) / (high - low)) * 0.16;
      ctx.fillRect(from, bbox.top, Math.max(0, to - from), bbox.height);
    }
    first = next;
  }
  ctx.restore();
}

/** @param {uPlot} u @param {import("../types.js").StationPicture} p */
export function drawMarks(u, p) {
  const { ctx, bbox } = u;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.fillStyle = colour("--out");
  for (const order of p.orders) {
    const from = Math.max(bbox.left, u.valToPos(Date.parse(order.start) / 1000, "x", true));
    const to = Math.min(right, u.valToPos(Date.parse(order.end) / 1000, "x", true));
    if (to <= from) continue;
    ctx.globalAlpha = 0.18;
    ctx.fillRect(from, bbox.top, to - from, 6 * devicePixelRatio);
  }
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour("--bad");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const limit of [p.import_limit_w, -p.export_limit_w]) {
    const y = Math.round(u.valToPos(limit / 1000, "y", true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
  }
  ctx.restore();
}

/** From the first minute, but half an hour at least, to a little after the last. @param {uPlot} u @returns {[number, number]} */
function span(u) {
  const times = u.data[0] ?? [];
  const last = times[times.length - 1] ?? 0;
  const first = Math.min(times[0] ?? last, last - 1800);
  return [first, last + Math.max(60, (last - first) * 0.02)];
}

/** Room for the import limit always; for the export limit once the day comes near it. */
export function reach(/** @type {number} */ low, /** @type {number} */ high, /** @type {import("../types.js").StationPicture} */ p) {
  const [most, least] = [p.import_limit_w / 1000, -p.export_limit_w / 1000];
  return [low < least * 0.3 ? Math.min(low, least) * 1.06 : Math.min(low, -most * 0.06) * 1.1, Math.max(high, most) * 1.06];
}

/**
 * @param {object} wanted
 * @param {number} wanted.width
 * @param {number} wanted.height
 * @param {() => import("../types.js").StationPicture} wanted.picture
 * @param {string} wanted.zone
 * @param {(index: number | null) => void} wanted.onHover
 * @returns {uPlot.Options}
 */
export function options({ width, height, picture, zone, onHover }) {
  const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width, height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: (u) => span(u) },
      y: { range: (_u, low, high) => /** @type {[number, number]} */ (reach(low ?? 0, high ?? 0, picture())) },
      price: { auto: false },
    },
    axes: [
      { ...axis, size: 30, space: 64, values: (_u, splits) => splits.map((seconds) => clock(seconds * 1000, zone)) },
      { ...axis, size: 54, space: 36 },
    ],
    series: [
      {},
      ...SERIES.map((one) => ({
        stroke: colour(one.colour), width: one.width, points: { show: false },
        ...("fill" in one ? { fill: colour(`${one.colour}-wash`) } : {}),
      })),
      { scale: "price", show: false },
    ],
    hooks: {
      drawClear: [drawPrice],
      draw: [(u) => drawMarks(u, picture())],
      setCursor: [(u) => onHover(u.cursor.idx ?? null)],
    },
  };
}
