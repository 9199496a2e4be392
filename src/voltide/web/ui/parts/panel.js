// @ts-check
// One outlet in full, and what an operator may do with it.
import { useEffect, useRef, useState } from "preact/hooks";
import { order } from "../api.js";
import { classes, html } from "../dom.js";
import { kw, kwh, moment, number, percent, relative } from "../format.js";
import { because, t } from "../i18n.js";
import { look, now, opened, outlets, signedIn, station } from "../store.js";
import { Confirm } from "./confirm.js";
import { Ahead } from "./curve.js";
import { Notices } from "./notices.js";
import { Icon } from "./icons.js";
import { Battery, PowerBar, State } from "./tile.js";

/** @typedef {import("../types.js").OutletPicture} OutletPicture */

/** @param {OutletPicture} outlet @returns {[string, string][]} */
function facts(outlet) {
  const zone = station.value?.timezone ?? "UTC";
  const when = (/** @type {string | null} */ iso) => (iso ? `${moment(Date.parse(iso), now.value, zone)} · ${relative(Date.parse(iso), now.value)}` : "–");
  const green = outlet.imported_wh > 0 ? percent(Math.min(1, outlet.green_wh / outlet.imported_wh)) : "–";
  const plate = outlet.max_discharge_w > 0 ? `${kw(-outlet.max_discharge_w)} … +${kw(outlet.max_charge_w)} kW` : `${kw(outlet.max_charge_w)} kW`;
  return [
    [t("panel.why"), because(outlet)],
    [t("panel.setpoint"), outlet.setpoint_w === null ? "–" : `${kw(outlet.setpoint_w, true)} kW`],
    [t("panel.departure"), when(outlet.departure)],
    [t("panel.need"), outlet.need_wh === null ? "–" : `${kwh(outlet.need_wh)} kWh`],
    [t("panel.target"), `${percent(outlet.target_soc)} / ${percent(outlet.floor_soc)}`],
    [t("panel.imported"), `${kwh(outlet.imported_wh)} kWh`],
    [t("panel.exported"), `${kwh(outlet.exported_wh)} kWh`],
    [t("panel.green"), green],
    [t("panel.since"), when(outlet.since)],
    [t("panel.session"), outlet.session ?? "–"],
    [t("panel.charger"), [outlet.called, outlet.charger, outlet.version && `OCPP ${outlet.version}`].filter(Boolean).join(" · ")],
    [t("panel.plate"), plate],
    [t("panel.age"), outlet.age_s === null ? "–" : t("panel.seconds", { seconds: number(outlet.age_s, 0) })],
  ];
}

/** @param {{ outlet: OutletPicture }} props */
function Limit({ outlet }) {
  const [asked, ask] = useState(outlet.limit_w ?? outlet.max_charge_w);
  const here = { is: "LimitOutlet", evse: outlet.id };
  const back = { ...here, limit_w: outlet.limit_w };
  const id = "limit-slider";
  return html`<div class="field">
    <label for=${id}>${t("panel.limit")} <b>${kw(asked)} kW</b></label>
    <input id=${id} type="range" min="0" max=${outlet.max_charge_w} step="1000" value=${asked}
      onInput=${(/** @type {any} */ event) => ask(Number(event.currentTarget.value))} />
    <span class="actions">
      <button type="button" class="primary" onClick=${() => order(`${outlet.id} · ${t("panel.limit")} ${kw(asked)} kW`, { ...here, limit_w: asked }, back)}>${t("action.set-limit")}</button>
      <button type="button" disabled=${outlet.limit_w === null}
        onClick=${() => order(`${outlet.id} · ${t("action.lift-limit")}`, { ...here, limit_w: null }, back)}>${t("action.lift-limit")}</button>
    </span>
  </div>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Start({ outlet }) {
  const [token, type] = useState("");
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    order(`${outlet.id} · ${t("action.start")}`, { is: "StartCharging", evse: outlet.id, token: token.trim() });
  };
  return html`<form class="field" onSubmit=${go}>
    <label for="start-token">${t("panel.token")}</label>
    <span class="actions">
      <input id="start-token" value=${token} maxlength="36" autocomplete="off" onInput=${(/** @type {any} */ event) => type(event.currentTarget.value)} />
      <button type="submit" class="primary" disabled=${!token.trim()}>${t("action.start")}</button>
    </span>
  </form>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Service({ outlet }) {
  const out = outlet.state === "unavailable";
  const here = { is: "SetInService", evse: outlet.id };
  const label = t(out ? "action.into-service" : "action.out-of-service");
  const go = () => order(`${outlet.id} · ${label}`, { ...here, operative: out }, { ...here, operative: !out });
  return out ? html`<button type="button" class="primary" onClick=${go}>${label}</button>`
    : html`<${Confirm} label=${label} question=${t("confirm.out-of-service")} onYes=${go} />`;
}

/** @param {{ outlet: OutletPicture }} props */
function Actions({ outlet }) {
  if (!signedIn.value) return html`<p class="hint"><${Icon} name="lock" />${t("header.how-to-sign-in")}</p>`;
  const stop = () => order(`${outlet.id} · ${t("action.stop")}`, { is: "StopCharging", evse: outlet.id });
  return html`<div class="panel-actions">
    ${!outlet.session && html`<${Start} outlet=${outlet} />`}
    <${Limit} key=${outlet.id} outlet=${outlet} />
    <span class="actions">
      ${outlet.session && html`<${Confirm} label=${t("action.stop")} question=${t("confirm.stop")} onYes=${stop} />`}
      <${Service} outlet=${outlet} />
    </span>
  </div>`;
}

/** @param {{ outlet: OutletPicture }} props */
function Body({ outlet }) {
  return html`
    <header><div><h2>${outlet.id}</h2><${State} outlet=${outlet} /></div>
      <button type="button" class="quiet icon-only" aria-label=${t("action.close")} onClick=${() => { opened.value = null; }}><${Icon} name="close" /></button>
    </header>
    <p class="panel-power"><b>${kw(outlet.power_w, true)}</b> kW</p>
    <${PowerBar} outlet=${outlet} />
    <${Battery} outlet=${outlet} />
    <${Ahead} outlet=${outlet} />
    <dl>${facts(outlet).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <${Actions} outlet=${outlet} />`;
}

export function Panel() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const outlet = outlets.value.find((each) => each.peek().id === opened.value)?.value;
  const open = Boolean(outlet);
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  const shut = () => { opened.value = null; };
  return html`<dialog ref=${dialog} class=${classes("panel", outlet && `s-${look(outlet)}`)} aria-label=${outlet?.id} onClose=${shut}
    onClick=${(/** @type {MouseEvent} */ event) => { if (event.target === dialog.current) shut(); }}>
    <div class="panel-body">${outlet && html`<${Body} outlet=${outlet} />`}</div>
    ${outlet && html`<${Notices} />`}
  </dialog>`;
}
