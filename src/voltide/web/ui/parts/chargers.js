// @ts-check
// All chargers: the door for new ones, who waits, who is here, and who was refused.
import { care } from "../api.js";
import { addressOf, list } from "../chargers.js";
import { classes, html } from "../dom.js";
import { t } from "../i18n.js";
import { signedIn } from "../store.js";
import { Door } from "./door.js";
import { Icon } from "./icons.js";
import { Newcomers } from "./newcomers.js";
import { Outlets } from "./outlets.js";

/** @typedef {import("../chargertypes.js").ChargerRow} ChargerRow */

/** What a charger is to the one who looks. @param {ChargerRow} row */
export function condition(row) {
  if (row.standing !== "accepted") return row.standing;
  if (!row.online) return row.version || row.vendor ? "offline" : "never";
  return row.ready ? "ready" : "joining";
}

const ICONS = /** @type {Record<string, string>} */ ({
  ready: "check", joining: "stale", offline: "offline", never: "offline", pending: "plugged", rejected: "unavailable", away: "unavailable",
});

/** @param {{ row: ChargerRow }} props */
export function Condition({ row }) {
  const state = condition(row);
  return html`<span class=${`condition c-${state}`}><${Icon} name=${ICONS[state] ?? "stale"} />${t(`condition.${state}`)}</span>`;
}

/** @param {{ row: ChargerRow }} props */
export function Shield({ row }) {
  if (row.standing !== "accepted" || row.shield !== "none") return null;
  return html`<span class="unprotected" title=${t("shield.none-title")}><${Icon} name="alarm" />${t("shield.none")}</span>`;
}

/** @param {{ row: ChargerRow }} props */
function Row({ row }) {
  const maker = [row.vendor, row.model].filter(Boolean).join(" ");
  return html`<li class=${classes("charger-row", `c-${condition(row)}`)} data-charger=${row.id}><a href=${addressOf(row.id)}>
    <span class="charger-name"><b>${row.name}</b>${row.name !== row.id && html` <small>${row.id}</small>`}</span>
    <${Condition} row=${row} />
    <span class="charger-maker">${maker || "–"}${row.version && html` <small>OCPP ${row.version}</small>`}</span>
    <${Outlets} plates=${row.outlets} />
    <${Shield} row=${row} />
  </a></li>`;
}

/** @param {{ rows: ChargerRow[] }} props */
function Refused({ rows }) {
  if (rows.length === 0) return null;
  const forget = (/** @type {string} */ id) => care(`${id} · ${t("chargers.forget")}`, { is: "ForgetCharger", charger: id });
  return html`<section class="card" aria-label=${t("chargers.refused")}>
    <h2>${t("chargers.refused")}</h2><p class="small">${t("chargers.refused-note")}</p>
    <ul class="refused">${rows.map((row) => html`<li key=${row.id}><span><b>${row.id}</b> <small>${row.vendor} ${row.model}</small></span>
      ${signedIn.value && html`<button type="button" onClick=${() => forget(row.id)}>${t("chargers.forget")}</button>`}</li>`)}</ul>
  </section>`;
}

export function Chargers() {
  const picture = list.value;
  if (!picture) return html`<p class="waiting" role="status">${t("page.waiting")}</p>`;
  const order = ["offline", "joining", "never", "ready"];
  const rows = [...picture.chargers].sort((a, b) => order.indexOf(condition(a)) - order.indexOf(condition(b)));
  return html`<${Newcomers} /><${Door} />
    <section class="card" aria-label=${t("chargers.title")}>
      <h2>${t("chargers.title")} <small>${t("chargers.count", { ready: rows.filter((row) => condition(row) === "ready").length, count: rows.length })}</small></h2>
      <ul class="charger-rows">${rows.map((row) => html`<${Row} key=${row.id} row=${row} />`)}</ul>
    </section>
    <${Refused} rows=${picture.refused} />`;
}
