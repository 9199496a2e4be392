// @ts-check
// One outlet at a glance: state in colour, icon and word; power with its sign; the battery; and why.
import { classes, html } from "../dom.js";
import { kw, kwh, kwhRound, moment, percent, relative } from "../format.js";
import { because, t, word } from "../i18n.js";
import { look, now, opened, station } from "../store.js";
import { Icon } from "./icons.js";

/** @typedef {import("../types.js").OutletPicture} OutletPicture */

/** @param {{ outlet: OutletPicture }} props */
export function State({ outlet }) {
  const state = look(outlet);
  return html`<span class="state"><${Icon} name=${state} />${word("state", state)}</span>`;
}

/** Where the power stands between the most the outlet gives back and the most it takes; a tick is the setpoint. */
export function PowerBar({ outlet }) {
  const whole = outlet.max_charge_w + outlet.max_discharge_w || 1;
  const at = (/** @type {number} */ w) => Math.max(0, Math.min(100, ((w + outlet.max_discharge_w) / whole) * 100));
  const [low, high] = [at(Math.min(0, outlet.power_w)), at(Math.max(0, outlet.power_w))];
  return html`<span class="power-bar" aria-hidden="true">
    <i style=${{ left: `${low}%`, width: `${high - low}%` }}></i>
    ${outlet.max_discharge_w > 0 && html`<s style=${{ left: `${at(0)}%` }}></s>`}
    ${outlet.limit_w !== null && html`<u style=${{ left: `${at(outlet.limit_w)}%` }}></u>`}
    ${outlet.setpoint_w !== null && html`<b style=${{ left: `${at(outlet.setpoint_w)}%` }}></b>`}
  </span>`;
}

/** @param {{ outlet: OutletPicture }} props */
export function Battery({ outlet }) {
  if (outlet.soc === null) return null;
  const title = t("tile.soc-title", { soc: percent(outlet.soc), target: percent(outlet.target_soc), floor: percent(outlet.floor_soc) });
  return html`<span class="battery" title=${title}>
    <span class="battery-track"><i style=${{ width: `${outlet.soc * 100}%` }}></i>
      ${outlet.floor_soc !== null && html`<s style=${{ left: `${outlet.floor_soc * 100}%` }}></s>`}
      ${outlet.target_soc !== null && html`<u style=${{ left: `${outlet.target_soc * 100}%` }}></u>`}</span>
    <b>${percent(outlet.soc)}</b>
  </span>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Departure({ outlet }) {
  if (!outlet.departure) return null;
  const ms = Date.parse(outlet.departure);
  const zone = station.value?.timezone ?? "UTC";
  return html`<span class="row"><span>${moment(ms, now.value, zone)}</span><span>${relative(ms, now.value)}</span></span>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Energy({ outlet }) {
  const green = outlet.imported_wh > 0 ? outlet.green_wh / outlet.imported_wh : null;
  return html`<span class="row energy">
    <span title=${t("panel.imported")}>↓ ${kwhRound(outlet.imported_wh)}</span>
    ${outlet.max_discharge_w > 0 && html`<span title=${t("panel.exported")}>↑ ${kwhRound(outlet.exported_wh)}</span>`}
    <small>kWh</small>
    ${green !== null && html`<span class="green" title=${t("panel.green")}><${Icon} name="leaf" />${percent(Math.min(1, green))}</span>`}
  </span>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Busy({ outlet }) {
  const asked = outlet.setpoint_w !== null && Math.abs(outlet.setpoint_w - outlet.power_w) > 500;
  const need = outlet.need_wh !== null && outlet.need_wh > 50;
  return html`
    <span class="tile-power"><b>${kw(outlet.power_w, true)}</b><small>kW</small>
      ${asked && html`<em title=${t("panel.setpoint")}>→ ${kw(outlet.setpoint_w, true)}</em>`}</span>
    <${PowerBar} outlet=${outlet} />
    <${Battery} outlet=${outlet} />
    <${Departure} outlet=${outlet} />
    ${need && html`<span class="row"><span>${t("tile.need")}</span><span>${kwh(outlet.need_wh)} kWh</span></span>`}
    <${Energy} outlet=${outlet} />
    <span class="why">${because(outlet)}</span>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Quiet({ outlet }) {
  const both = outlet.max_discharge_w > 0;
  return html`<span class="plate"><b>${kw(outlet.max_charge_w)}</b> <small>kW</small> ${both ? html`<em>⇄ V2G</em>` : ""}</span>
    ${outlet.limit_w !== null && html`<span class="why">${t("tile.limited", { limit: kw(outlet.limit_w) })}</span>`}`;
}

/** What is wrong, and since when what is shown was true. */
function Trouble({ outlet, state }) {
  const power = Math.abs(outlet.power_w) > 50 && state !== "unavailable";
  return html`
    ${power && html`<span class="tile-power old"><b>${kw(outlet.power_w, true)}</b><small>kW</small></span>`}
    <span class="why">${t(`trouble.${state}`, { seconds: Math.round(outlet.age_s ?? 0) })}</span>
    ${outlet.session && html`<${Battery} outlet=${outlet} />`}
    ${outlet.session && html`<${Departure} outlet=${outlet} />`}`;
}

/** @param {{ outlet: import("@preact/signals").Signal<OutletPicture> }} props */
export function Tile({ outlet: signal }) {
  const outlet = signal.value;
  const state = look(outlet);
  const body = ["offline", "faulted", "stale", "unavailable"].includes(state) ? html`<${Trouble} outlet=${outlet} state=${state} />`
    : state === "available" ? html`<${Quiet} outlet=${outlet} />` : html`<${Busy} outlet=${outlet} />`;
  return html`<button type="button" class=${classes("tile", `s-${state}`)} data-outlet=${outlet.id}
      aria-haspopup="dialog" onClick=${() => { opened.value = outlet.id; }}>
    <span class="tile-head"><span class="tile-id" title=${outlet.id}>${outlet.id}</span><${State} outlet=${outlet} /></span>
    ${body}
  </button>`;
}
