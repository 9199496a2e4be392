// @ts-check
// Who waits at the door: what each says of itself, a name for it, and yes or no.
import { useState } from "preact/hooks";
import { care } from "../api.js";
import { addressOf, list } from "../chargers.js";
import { classes, html } from "../dom.js";
import { moment } from "../format.js";
import { t } from "../i18n.js";
import { now, signedIn, station } from "../store.js";
import { Confirm } from "./confirm.js";
import { Icon } from "./icons.js";
import { Outlets } from "./outlets.js";

/** @typedef {import("../chargertypes.js").ChargerRow} ChargerRow */

/** What it says of itself; what it does not say is left out. @param {ChargerRow} row @returns {[string, unknown][]} */
export function said(row) {
  /** @type {[string, unknown][]} */
  const all = [
    [t("charger.identity"), row.id],
    [t("charger.serial"), row.serial],
    [t("charger.firmware"), row.firmware],
    [t("charger.version"), row.version && `OCPP ${row.version}`],
    [t("charger.address"), row.address],
    [t("charger.outlets"), row.outlets.length > 0 && html`<${Outlets} plates=${row.outlets} />`],
    [t("charger.v2g"), row.outlets.length > 0 && t(row.v2g ? "charger.v2g-yes" : "charger.v2g-no")],
  ];
  return all.filter(([, value]) => value);
}

/** @param {{ row: ChargerRow }} props */
function Answer({ row }) {
  const [name, call] = useState("");
  const [sent, send] = useState(false);
  const fits = name.trim().length > 0 && !row.reading && row.online && !sent;
  const yes = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!fits) return;
    send(true);
    await care(`${name.trim()} · ${t("newcomers.accept")}`, { is: "AcceptCharger", charger: row.id, name: name.trim(), seen: row.mark });
    send(false);
  };
  const no = () => care(`${row.id} · ${t("newcomers.refuse")}`, { is: "RefuseCharger", charger: row.id });
  const id = `name-${row.id}`;
  return html`<form class="answer" onSubmit=${yes}>
    <div class="field"><label for=${id}>${t("newcomers.name")}</label>
      <input id=${id} value=${name} maxlength="40" autocomplete="off" placeholder=${t("newcomers.name-example")}
        onInput=${(/** @type {any} */ event) => call(event.currentTarget.value)} /></div>
    <span class="actions"><button type="submit" class="primary" disabled=${!fits}>${t("newcomers.accept")}</button>
      <${Confirm} label=${t("newcomers.refuse")} question=${t("confirm.refuse")} onYes=${no} /></span>
    <p class="small">${t(row.steered ? "newcomers.what-follows" : "newcomers.not-steered")}</p>
  </form>`;
}

/** @param {{ row: ChargerRow }} props */
function Newcomer({ row }) {
  const state = !row.online ? "left" : row.reading ? "reading" : "waits";
  return html`<li class=${classes("card", "newcomer", `is-${state}`)} data-charger=${row.id}>
    <header><h3>${[row.vendor, row.model].filter(Boolean).join(" ") || row.id}</h3>
      <span class="newcomer-state" role="status"><${Icon} name=${state === "left" ? "offline" : state === "reading" ? "stale" : "plugged"} />${t(`newcomers.is-${state}`)}</span></header>
    <dl>${said(row).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <p class="small">${t("newcomers.since", { when: moment(Date.parse(row.since), now.value, station.value?.timezone ?? "UTC") })}</p>
    ${signedIn.value ? html`<${Answer} key=${row.id} row=${row} />` : html`<p class="hint"><${Icon} name="lock" />${t("header.how-to-sign-in")}</p>`}
  </li>`;
}

/** Who was seen joining while this page was open: they stay in sight when they are ready. @type {Set<string>} */
const seen = new Set();

/** @param {{ row: ChargerRow }} props */
function Ready({ row }) {
  return html`<li class="card newcomer is-ready" data-charger=${row.id}>
    <header><h3><a href=${addressOf(row.id)}>${row.name}</a></h3>
      <span class="newcomer-state" role="status"><${Icon} name="check" />${t("condition.ready")}</span></header>
    <p>${t("newcomers.can-charge")}</p>
  </li>`;
}

/** A charger that was accepted and is being told what it must know. @param {{ row: ChargerRow }} props */
function Joining({ row }) {
  seen.add(row.id);
  return html`<li class="card newcomer is-joining" data-charger=${row.id}>
    <header><h3><a href=${addressOf(row.id)}>${row.name}</a></h3>
      <span class="newcomer-state" role="status"><${Icon} name="stale" />${t("newcomers.is-joining")}</span></header>
    <p>${t(`step.${row.doing || "boot"}`)}</p>
    <span class="progress" role="img" aria-label=${t("newcomers.steps", { done: row.done, steps: row.steps })}><i style=${{ width: `${(row.done / row.steps) * 100}%` }}></i></span>
    <p class="small">${t("newcomers.steps", { done: row.done, steps: row.steps })}${!row.online && html` · ${t("newcomers.comes-back")}`}</p>
  </li>`;
}

export function Newcomers() {
  const picture = list.value;
  if (!picture) return null;
  const joining = picture.chargers.filter((row) => row.joined && !row.ready);
  const ready = picture.chargers.filter((row) => row.ready && seen.has(row.id));
  const none = picture.newcomers.length + joining.length + ready.length === 0;
  const open = picture.always_open || (picture.open_until !== null && Date.parse(picture.open_until) > now.value);
  if (none && !open) return null;
  return html`<section class="newcomers" aria-label=${t("newcomers.title")}>
    <h2>${t("newcomers.title")}${picture.newcomers.length > 0 && html` <b class="count">${picture.newcomers.length}</b>`}</h2>
    ${none && html`<p class="calm waiting-for" role="status"><${Icon} name="stale" />${t("newcomers.none")}</p>`}
    <ul>${picture.newcomers.map((row) => html`<${Newcomer} key=${row.id} row=${row} />`)}
      ${joining.map((row) => html`<${Joining} key=${row.id} row=${row} />`)}
      ${ready.map((row) => html`<${Ready} key=${row.id} row=${row} />`)}</ul>
  </section>`;
}
