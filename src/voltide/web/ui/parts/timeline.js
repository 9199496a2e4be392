// @ts-check
// The last day, minute by minute, and what each line was worth where you point.
import { useEffect, useRef } from "preact/hooks";
import { signal } from "@preact/signals";
import uPlot from "uplot";
import { minutes } from "../day.js";
import { html } from "../dom.js";
import { clock, kw, number, percent } from "../format.js";
import { t } from "../i18n.js";
import { language, theme } from "../settings.js";
import { station } from "../store.js";
import { columns, options, SERIES } from "./chart.js";

const hours = signal(24);
/** The moment pointed at, in seconds. @type {import("@preact/signals").Signal<number | null>} */
const pointed = signal(null);

/** @param {import("../types.js").Minute[]} all */
function shown(all) {
  const end = Date.parse(all[all.length - 1]?.at ?? "") || 0;
  return all.filter((minute) => Date.parse(minute.at) >= end - hours.value * 3600e3);
}

function Readout() {
  const all = minutes.value;
  const zone = station.value?.timezone ?? "UTC";
  const at = pointed.value;
  const minute = all.find((each) => at !== null && Date.parse(each.at) / 1000 === at) ?? all[all.length - 1];
  return html`<div class="readout">
    <b>${minute ? clock(Date.parse(minute.at), zone) : "–"}</b>
    ${SERIES.map((one) => html`<span key=${one.key} class=${`f-${one.key}`}><i></i>${t(`series.${one.key}`)} <b>${minute ? kw(one.of(minute)) : "–"}</b></span>`)}
    ${minute && minute.battery_soc !== null && html`<span>${t("series.soc")} <b>${percent(minute.battery_soc)}</b></span>`}
    ${minute && minute.price_buy !== null && html`<span class="f-price"><i></i>${t("series.price")} <b>${number(minute.price_buy, 2)}</b></span>`}
  </div>`;
}

/** @param {HTMLDivElement} box */
function draw(box) {
  const picture = () => /** @type {import("../types.js").StationPicture} */ (station.peek());
  const point = (/** @type {number | null} */ index) => {
    pointed.value = index === null ? null : chart.data[0]?.[index] ?? null;
  };
  const width = Math.max(200, box.clientWidth);
  const height = Math.max(160, box.clientHeight);
  const chart = new uPlot(options({ width, height, picture, zone: picture().timezone, onHover: point }), /** @type {any} */ (columns(shown(minutes.peek()))), box);
  const observer = new ResizeObserver(() => chart.setSize({ width: Math.max(200, box.clientWidth), height: Math.max(160, box.clientHeight) }));
  observer.observe(box);
  const stop = minutes.subscribe((all) => chart.setData(/** @type {any} */ (columns(shown(all)))));
  return () => { stop(); observer.disconnect(); chart.destroy(); pointed.value = null; };
}

export function Timeline() {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => (box.current ? draw(box.current) : undefined), [theme.value, language.value, hours.value]);
  return html`<section class="card timeline" aria-label=${t("timeline.title")}>
    <div class="timeline-head"><h2>${t("timeline.title")} <small>kW</small></h2>
      <span class="lengths">${[6, 24].map((count) => html`<button type="button" key=${count} class="chip" aria-pressed=${hours.value === count}
        onClick=${() => { hours.value = count; }}>${t("timeline.hours", { hours: count })}</button>`)}</span></div>
    <${Readout} />
    <div class="chart" ref=${box}></div>
  </section>`;
}
