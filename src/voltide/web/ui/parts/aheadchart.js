// @ts-check
// How the day ahead is drawn: what happened as full lines, what is planned as broken ones, now between them.
import uPlot from "uplot";
import { clock } from "../format.js";
import { t } from "../i18n.js";
import { columns as happened, colour, drawMarks, drawPrice, reach, SERIES } from "./chart.js";

/** @typedef {import("../types.js").PlanPicture} PlanPicture */
/** @typedef {import("../types.js").Minute} Minute */

export const BACK_MS = 6 * 3600e3;
const WATTS = /** @type {const} */ (["grid_w", "pv_w", "battery_w", "cars_in_w", "cars_out_w"]);
const stepped = uPlot.paths.stepped?.({ align: 1 });

/** What the plan wanted and wants, one row a moment: the five powers in kW as SERIES has them, and the price. @param {PlanPicture} plan */
export function planned(plan) {
  const first = Date.parse(plan.starts[0] ?? "9999");
  const rows = plan.past.filter((one) => Date.parse(one.at) < first).map((one) => [Date.parse(one.at) / 1000, ...WATTS.map((name) => one[name]), one.price_buy]);
  plan.starts.forEach((iso, step) => rows.push([Date.parse(iso) / 1000, ...WATTS.map((name) => plan[name][step] ?? 0), plan.price_buy[step] ?? 0]));
  const last = rows[rows.length - 1];
  if (last && plan.ends_at) rows.push([Date.parse(plan.ends_at) / 1000, ...last.slice(1)]);
  const table = /** @type {number[][]} */ (Array.from({ length: WATTS.length + 2 }, () => []));
  for (const row of rows) {
    row.forEach((value, index) => {
      const isPower = index > 0 && index <= WATTS.length;
      table[index]?.push(isPower ? (WATTS[index - 1] === "pv_w" ? -value : value) / 1000 : value);
    });
  }
  return table;
}

/** One table: time, what happened, what is planned, the plan's price. @param {Minute[]} minutes @param {PlanPicture} plan @returns {uPlot.AlignedData} */
export function joined(minutes, plan) {
  const since = Date.parse(plan.at) - BACK_MS;
  const was = happened(minutes.filter((minute) => Date.parse(minute.at) >= since)).slice(0, SERIES.length + 1);
  const table = uPlot.join([/** @type {any} */ (was), /** @type {any} */ (planned(plan))]);
  const price = /** @type {(number | null | undefined)[]} */ (table[table.length - 1]);
  for (let at = 1; at < price.length; at += 1) price[at] ??= price[at - 1];
  return table;
}

/** A line down where now is. @param {uPlot} u @param {number} at in s */
function drawNow(u, at) {
  const { ctx, bbox } = u;
  const x = Math.round(u.valToPos(at, "x", true));
  ctx.save();
  ctx.fillStyle = colour("--ink");
  ctx.fillRect(x, bbox.top, devicePixelRatio, bbox.height);
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.fillText(t("plan.now"), x + 4 * devicePixelRatio, bbox.top + 2 * devicePixelRatio);
  ctx.restore();
}

/**
 * @param {object} wanted
 * @param {number} wanted.width
 * @param {number} wanted.height
 * @param {() => import("../types.js").StationPicture} wanted.picture
 * @param {() => PlanPicture} wanted.plan
 * @param {(index: number | null) => void} wanted.onHover
 * @returns {uPlot.Options}
 */
export function options({ width, height, picture, plan, onHover }) {
  const zone = picture().timezone;
  const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width, height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_u, low, high) => /** @type {[number, number]} */ (reach(low ?? 0, high ?? 0, picture())) }, price: { auto: false } },
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
      ...SERIES.map((one) => ({
        stroke: colour(one.colour), width: one.width, dash: [6, 3], points: { show: false }, ...(stepped ? { paths: stepped } : {}),
      })),
      { scale: "price", show: false },
    ],
    hooks: {
      drawClear: [drawPrice],
      draw: [(u) => drawMarks(u, picture()), (u) => drawNow(u, Date.parse(plan().at) / 1000)],
      setCursor: [(u) => onHover(u.cursor.idx ?? null)],
    },
  };
}
