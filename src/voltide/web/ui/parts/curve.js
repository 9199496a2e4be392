// @ts-check
// Why an outlet does what it does, and how full its car will be: the curve until it leaves, with what is wanted and its floor.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "../dom.js";
import { clock } from "../format.js";
import { t, word } from "../i18n.js";
import { plan, planOf, sentence } from "../plan.js";
import { language, theme } from "../settings.js";
import { station } from "../store.js";
import { colour } from "./chart.js";

/** @typedef {import("../types.js").OutletPicture} OutletPicture */
/** @typedef {import("../types.js").CarPlan} CarPlan */

const HEIGHT = 132;

/** A line across, with its word at the left. @param {uPlot} u @param {number | null | undefined} share @param {string} ink @param {string} name */
function across(u, share, ink, name) {
  if (share === null || share === undefined) return;
  const { ctx, bbox } = u;
  const y = Math.round(u.valToPos(share * 100, "y", true));
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour(ink);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = share > 0.85 ? "top" : "bottom";
  ctx.fillText(name, bbox.left + bbox.width - 4 * devicePixelRatio, y + (share > 0.85 ? 3 : -2) * devicePixelRatio);
  ctx.restore();
}

/** @param {CarPlan} car @returns {[number[], number[]]} */
export function columns(car) {
  const picture = plan.peek();
  const edges = [...(picture?.starts ?? []), picture?.ends_at ?? ""].map((iso) => Date.parse(iso) / 1000);
  const last = Date.parse(car.reason?.by ?? "") / 1000;
  const times = edges.slice(0, car.soc.length);
  const shares = car.soc.map((share) => share * 100);
  if (last > (times[times.length - 1] ?? 0) && car.soc.length < edges.length) {
    times.push(last);
    shares.push(shares[shares.length - 1] ?? 0);
  }
  return [times, shares];
}

/** @param {HTMLDivElement} box @param {CarPlan} car */
function draw(box, car) {
  const zone = station.peek()?.timezone ?? "UTC";
  const axis = { stroke: colour("--muted"), font: "11px system-ui, sans-serif", grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const chart = new uPlot({
    width: Math.max(200, box.clientWidth), height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    legend: { show: false }, cursor: { show: false }, padding: [6, 18, 0, 0],
    scales: { y: { range: [0, 100] } },
    axes: [
      { ...axis, size: 24, space: 60, values: (_u, splits) => splits.map((seconds) => clock(seconds * 1000, zone)) },
      { ...axis, size: 40, space: 26, values: (_u, splits) => splits.map((share) => `${share} %`) },
    ],
    series: [{}, { stroke: colour("--storage"), fill: colour("--storage-wash"), width: 2, points: { show: false } }],
    hooks: {
      draw: [(u) => {
        across(u, car.reason?.need_soc, "--ink", t("plan.need"));
        across(u, car.reason?.floor_soc, "--bad", t("plan.floor"));
      }],
    },
  }, columns(car), box);
  const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT }));
  observer.observe(box);
  return () => { observer.disconnect(); chart.destroy(); };
}

/** @param {{ car: CarPlan }} props */
function Curve({ car }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => (box.current ? draw(box.current, car) : undefined), [car, theme.value, language.value]);
  return html`<figure class="curve"><figcaption>${t("plan.soc")}</figcaption><div ref=${box} role="img" aria-label=${t("plan.soc")}></div></figure>`;
}

/** Nothing where no car stands. @param {{ outlet: OutletPicture }} props */
export function Ahead({ outlet }) {
  if (!outlet.session || !plan.value) return null;
  if (plan.value.leads === "rules") return html`<p class="reason calm">${t("plan.rules")}</p>`;
  const car = planOf(outlet);
  if (!car?.reason) return html`<p class="reason calm">${t(car ? "plan.leaving" : "plan.unasked")}</p>`;
  const agree = car.reason.code === { urgent: "charges-for-need", order: "gives-for-event" }[car.ruled_by];
  return html`
    ${car.ruled_by && !agree && html`<p class="reason set-aside">${t("plan.ruled", { why: word("why", car.ruled_by) })}</p>`}
    <p class="reason">${sentence(car.reason, outlet.v2g)}</p>
    ${car.soc.length > 1 && html`<${Curve} car=${car} />`}`;
}
