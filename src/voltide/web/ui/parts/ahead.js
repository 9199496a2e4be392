// @ts-check
// The day ahead as it is planned, with the last hours as they were; and what the plan does with grid, storage and orders.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import uPlot from "uplot";
import { minutes } from "../day.js";
import { html } from "../dom.js";
import { kw, moment, number } from "../format.js";
import { t } from "../i18n.js";
import { eventSentence, plan, sentence } from "../plan.js";
import { language, theme } from "../settings.js";
import { now, station } from "../store.js";
import { joined, options } from "./aheadchart.js";
import { SERIES } from "./chart.js";

/** What stands where you point: the moment, what happened, what was planned, the price. @type {import("@preact/signals").Signal<(number | null | undefined)[] | null>} */
const pointed = signal(null);

/** The last value that is not a gap, up to a row. @param {uPlot} chart @param {number} column @param {number} index */
function before(chart, column, index) {
  const values = chart.data[column] ?? [];
  for (let at = index; at >= 0; at -= 1) if (values[at] !== undefined) return values[at];
  return null;
}

/** @param {HTMLDivElement} box */
function draw(box) {
  const picture = () => /** @type {import("../types.js").StationPicture} */ (station.peek());
  const ahead = () => /** @type {import("../types.js").PlanPicture} */ (plan.peek());
  const size = () => ({ width: Math.max(200, box.clientWidth), height: Math.max(160, box.clientHeight) });
  const point = (/** @type {number | null} */ index) => {
    if (index === null) { pointed.value = null; return; }
    const at = chart.data[0][index] ?? 0;
    const known = at * 1000 <= Date.parse(ahead().at);
    pointed.value = [at, ...chart.data.slice(1).map((_, place) => (place < SERIES.length && !known ? null : before(chart, place + 1, index)))];
  };
  const chart = new uPlot(options({ ...size(), picture, plan: ahead, onHover: point }), joined(minutes.peek(), ahead()), box);
  const observer = new ResizeObserver(() => chart.setSize(size()));
  observer.observe(box);
  let drawn = minutes.peek().length;
  const again = () => chart.setData(joined(minutes.peek(), ahead()));
  const stops = [
    plan.subscribe((found) => { if (found?.leads === "optimiser") again(); }),
    minutes.subscribe((all) => { if (all.length !== drawn) { drawn = all.length; again(); } }),
  ];
  return () => { stops.forEach((stop) => stop()); observer.disconnect(); chart.destroy(); pointed.value = null; };
}

function Readout() {
  const row = pointed.value;
  const zone = station.value?.timezone ?? "UTC";
  const price = row?.[1 + 2 * SERIES.length];
  const power = (/** @type {number | null | undefined} */ kilowatts) => (kilowatts === null || kilowatts === undefined ? "–" : kw(kilowatts * 1000));
  return html`<div class="readout">
    <b>${row ? moment((row[0] ?? 0) * 1000, now.value, zone) : ""}</b>
    ${SERIES.map((one, place) => html`<span key=${one.key} class=${`f-${one.key}`}><i></i>${t(`series.${one.key}`)}
      ${row && html` <b>${power(row[1 + place])}</b> / ${power(row[1 + SERIES.length + place])}`}</span>`)}
    <span class="line-kinds"><s></s>${t("plan.happened")} <u></u>${t("plan.planned")}</span>
    ${typeof price === "number" && html`<span class="f-price"><i></i>${t("series.price")} <b>${number(price, 2)}</b></span>`}
  </div>`;
}

function Chart() {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => (box.current ? draw(box.current) : undefined), [theme.value, language.value]);
  return html`<div class="chart" ref=${box}></div>`;
}

/** What the plan does with all that is no car. */
function Sentences() {
  const found = plan.value;
  return html`<ul class="reasons">
    ${found?.connection && html`<li>${sentence(found.connection)}</li>`}
    ${found?.battery && html`<li>${sentence(found.battery)}</li>`}
    ${(found?.events ?? []).map((event) => html`<li key=${event.id}>${eventSentence(event)}</li>`)}
  </ul>`;
}

export function DayAhead() {
  const found = plan.value;
  if (!found) return null;
  const leads = found.leads === "optimiser";
  const when = (/** @type {string | null} */ iso) => moment(Date.parse(iso ?? ""), now.value, station.value?.timezone ?? "UTC");
  return html`<section class="card ahead" aria-label=${t("plan.title")}>
    <h2>${t("plan.title")} ${leads && html`<small>kW · ${t("plan.made", { when: when(found.made_at), until: when(found.expires_at) })}</small>`}</h2>
    ${leads ? html`<${Readout} /><div class="ahead-body"><${Chart} /><${Sentences} /></div>` : html`<p class="calm">${t("plan.rules")}</p>`}
  </section>`;
}
