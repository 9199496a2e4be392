// @ts-check
// Where the power comes from and where it goes. Every band is as wide as its watts, always on the same scale.
import { useEffect, useRef, useState } from "preact/hooks";
import { classes, html } from "../dom.js";
import { kw, kwh, number, percent } from "../format.js";
import { t } from "../i18n.js";
import { station } from "../store.js";
import { Icon } from "./icons.js";

/** @typedef {{ key: string, icon: string, watts: number | null, note?: string }} End */

const ROW = 38;
const FULL = 104;
const NEGLIGIBLE_W = 50;

/** @param {import("../types.js").StationPicture} p @returns {[End[], End[]]} */
export function ends(p) {
  const unless = (/** @type {number | null} */ w, /** @type {number} */ sign) => (w === null ? null : Math.max(0, sign * w));
  const soc = p.battery_soc === null ? undefined : percent(p.battery_soc);
  /** @type {End[]} */
  const sources = [
    { key: "sun", icon: "sun", watts: unless(p.pv_w, -1) },
    { key: "grid", icon: "grid", watts: unless(p.grid_w, 1) },
    { key: "storage-out", icon: "storage", watts: unless(p.battery_w, -1), note: soc },
    { key: "cars-out", icon: "car", watts: Math.max(0, -p.cars_out_w) },
  ];
  /** @type {End[]} */
  const sinks = [
    { key: "cars-in", icon: "car", watts: Math.max(0, p.cars_in_w) },
    { key: "building", icon: "building", watts: unless(p.building_w, 1) },
    { key: "storage-in", icon: "storage", watts: unless(p.battery_w, 1), note: soc },
    { key: "export", icon: "grid", watts: unless(p.grid_w, -1) },
  ];
  const known = [...sources, ...sinks].every((end) => end.watts !== null);
  const rest = sum(sources) - sum(sinks);
  sinks.push({ key: "losses", icon: "losses", watts: known ? Math.max(0, rest) : null });
  // Meters are read at slightly different moments: less than 2 % is no news.
  if (known && -rest > Math.max(1000, sum(sinks) * 0.02)) sources.push({ key: "unmeasured", icon: "losses", watts: -rest });
  return [sources, sinks];
}

/** @param {End[]} list */
const sum = (list) => list.reduce((total, end) => total + (end.watts ?? 0), 0);

/** @param {End[]} list @param {number} scale @param {number} height */
function place(list, scale, height) {
  const total = sum(list) * scale;
  const gap = (height - total) / list.length;
  let at = 0;
  let hub = (height - total) / 2;
  return list.map((end) => {
    const thick = (end.watts ?? 0) * scale;
    const row = { ...end, thick, top: at + gap / 2, middle: at + gap / 2 + thick / 2, hub };
    at += gap + thick;
    hub += thick;
    return row;
  });
}

/** A band from x0 to x1 that keeps its width. */
function band(/** @type {number} */ x0, /** @type {number} */ y0, /** @type {number} */ x1, /** @type {number} */ y1, /** @type {number} */ w) {
  const c = (x0 + x1) / 2;
  return `M${x0} ${y0}C${c} ${y0} ${c} ${y1} ${x1} ${y1}V${y1 + w}C${c} ${y1 + w} ${c} ${y0 + w} ${x0} ${y0 + w}Z`;
}

/** @param {{ end: ReturnType<typeof place>[0], from: number, to: number, left: boolean }} props */
function Band({ end, from, to, left }) {
  if (end.watts === null || end.watts < NEGLIGIBLE_W) return null;
  const width = Math.max(end.thick, 1.5);
  const [y0, y1] = left ? [end.top, end.hub] : [end.hub, end.top];
  const c = (from + to) / 2;
  const h = width / 2;
  const middle = `M${from} ${y0 + h}C${c} ${y0 + h} ${c} ${y1 + h} ${to} ${y1 + h}`;
  return html`<g class=${`band f-${end.key}`}>
    <path d=${band(from, y0, to, y1, width)} />
    ${width > 3 && html`<path class="stream" d=${middle} />`}
  </g>`;
}

/** @param {{ end: ReturnType<typeof place>[0], left: boolean }} props */
function Label({ end, left }) {
  const idle = end.watts !== null && end.watts < NEGLIGIBLE_W;
  return html`<li class=${classes("end", `f-${end.key}`, idle && "idle", left && "left")} style=${{ top: `${end.middle}px` }}>
    <${Icon} name=${end.icon} />
    <span><em>${t(`flow.${end.key}`)}${end.note && html` <small>${end.note}</small>`}</em>
    <b>${end.watts === null ? t("flow.unknown") : html`${kw(end.watts)} <small>kW</small>`}</b></span>
  </li>`;
}

/** How full the connection is, either way. */
function Connection({ p }) {
  const whole = p.import_limit_w + p.export_limit_w || 1;
  const zero = (p.export_limit_w / whole) * 100;
  const grid = p.grid_w;
  const limit = grid !== null && grid < 0 ? p.export_limit_w : p.import_limit_w;
  const share = grid === null || !limit ? null : Math.abs(grid) / limit;
  const width = grid === null ? 0 : Math.min((Math.abs(grid) / whole) * 100, grid < 0 ? zero : 100 - zero);
  const start = grid !== null && grid < 0 ? zero - width : zero;
  const level = share === null ? "unknown" : share > 1 ? "over" : share > 0.9 ? "tight" : "fine";
  const text = share === null ? t("connection.unknown")
    : t(grid < 0 ? "connection.export" : "connection.import", { share: percent(share), power: kw(Math.abs(grid)), limit: kw(limit) });
  return html`<div class=${`gauge is-${level}`} role="img" aria-label=${text}>
    <div class="gauge-words"><span>${t("connection.title")}</span><b>${text}</b></div>
    <div class="gauge-track"><i style=${{ left: `${start}%`, width: `${width}%` }}></i><s style=${{ left: `${zero}%` }}></s></div>
    <div class="gauge-words small"><span>${t("connection.export-limit", { limit: kw(p.export_limit_w) })}</span>
      <span class="zero" style=${{ left: `${zero}%` }}>0</span>
      <span>${t("connection.import-limit", { limit: kw(p.import_limit_w) })}</span></div>
  </div>`;
}

/** @param {{ p: import("../types.js").StationPicture }} props */
function Today({ p }) {
  /** @type {[string, string, string][]} */
  const facts = [
    ["charged", kwh(p.charged_today_wh), "kWh"], ["discharged", kwh(p.discharged_today_wh), "kWh"],
    ["solar", kwh(p.solar_today_wh), "kWh"], ["sessions", number(p.sessions_today, 0), ""],
  ];
  return html`<dl class="today">${facts.map(([key, value, unit]) => html`<div key=${key} class=${`fact-${key}`}>
    <dt>${t(`today.${key}`)}</dt><dd>${value} <small>${unit}</small></dd></div>`)}</dl>`;
}

export function Flow() {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [width, setWidth] = useState(720);
  useEffect(() => {
    if (!box.current) return undefined;
    const observer = new ResizeObserver(([entry]) => { if (entry) setWidth(entry.contentRect.width); });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const p = /** @type {import("../types.js").StationPicture} */ (station.value);
  const [sources, sinks] = ends(p);
  const height = ROW * sinks.length + FULL;
  const scale = FULL / Math.max(p.import_limit_w + p.pv_peak_w, sum(sources), sum(sinks), 1);
  const side = width < 520 ? 106 : 148;
  const [left, right] = [place(sources, scale, height), place(sinks, scale, height)];
  const total = Math.max(sum(sources), sum(sinks)) * scale;
  const middle = width / 2;
  return html`<section class="card flow" aria-label=${t("flow.title")}>
    <h2>${t("flow.title")}</h2>
    <${Today} p=${p} />
    <div class="flow-box" ref=${box} style=${{ height: `${height}px` }}>
      <svg width=${width} height=${height} aria-hidden="true">
        ${left.map((end) => html`<${Band} key=${end.key} end=${end} from=${side} to=${middle - 3} left=${true} />`)}
        ${right.map((end) => html`<${Band} key=${end.key} end=${end} from=${middle + 3} to=${width - side} left=${false} />`)}
        <rect class="hub" x=${middle - 3} y=${(height - total) / 2 - 4} width="6" height=${total + 8} rx="3" />
      </svg>
      <ul>${left.map((end) => html`<${Label} key=${end.key} end=${end} left=${true} />`)}</ul>
      <ul>${right.map((end) => html`<${Label} key=${end.key} end=${end} left=${false} />`)}</ul>
    </div>
    <${Connection} p=${p} />
  </section>`;
}
