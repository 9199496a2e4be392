// @ts-check
// One charger: who it is, how far its welcome is, what is odd about it, and what may be done to it.
import { useState } from "preact/hooks";
import { care } from "../api.js";
import { addressOf, one } from "../chargers.js";
import { classes, html } from "../dom.js";
import { clockSeconds, moment } from "../format.js";
import { happened, t, word } from "../i18n.js";
import { now, signedIn, station } from "../store.js";
import { Condition, Shield } from "./chargers.js";
import { Confirm } from "./confirm.js";
import { Icon } from "./icons.js";
import { said } from "./newcomers.js";

/** @typedef {import("../chargertypes.js").ChargerPicture} ChargerPicture */
/** @typedef {import("../chargertypes.js").WelcomeStep} WelcomeStep */

const ICONS = /** @type {Record<string, string>} */ ({ done: "check", refused: "alarm", skipped: "paused", waiting: "stale" });

/** @param {{ step: WelcomeStep }} props */
function Step({ step }) {
  const zone = station.value?.timezone ?? "UTC";
  return html`<li class=${`step is-${step.progress}`}>
    <${Icon} name=${ICONS[step.progress] ?? "stale"} />
    <div><p><b>${t(`step.${step.name}`)}</b> <span>${t(`progress.${step.progress}`)}</span></p>
      ${step.detail && html`<p class="small">${step.detail}</p>`}
    </div>
    ${step.at && html`<time class="small">${moment(Date.parse(step.at), now.value, zone)}</time>`}
  </li>`;
}

/** @param {{ picture: ChargerPicture }} props */
function Facts({ picture }) {
  const { row } = picture;
  /** @type {[string, unknown][]} */
  const facts = [
    [t("charger.maker"), [row.vendor, row.model].filter(Boolean).join(" ") || "–"],
    ...said(row),
    [t("charger.security"), html`${t(`profile.${picture.profile}`)} · ${t(`shield.${row.shield}`)}`],
    [t("charger.since"), moment(Date.parse(row.since), now.value, station.value?.timezone ?? "UTC")],
  ];
  return html`<section class="card" aria-label=${t("charger.facts")}><h2>${t("charger.facts")}</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${row.shield === "none" && row.standing === "accepted" && html`<p class="hint warn"><${Icon} name="alarm" />${t("shield.none-title")}</p>`}
  </section>`;
}

/** @param {{ picture: ChargerPicture }} props */
function Oddities({ picture }) {
  const none = picture.quirks.length + picture.oddities.length === 0;
  return html`<section class="card" aria-label=${t("oddities.title")}><h2>${t("oddities.title")}</h2>
    ${none && html`<p class="calm"><${Icon} name="check" />${t("oddities.none")}</p>`}
    ${picture.quirks.length > 0 && html`<p>${t("oddities.quirks")} ${picture.quirks.map((name) => html`<code key=${name}>${name}</code> `)}</p>`}
    <ul class="oddities">${picture.oddities.map((each) => html`<li key=${each.kind}><b>${each.count}×</b>
      <span>${word("oddity", each.kind)}${each.example && html` <small>${each.example}</small>`}</span></li>`)}</ul>
  </section>`;
}

/** @param {{ picture: ChargerPicture }} props */
function Events({ picture }) {
  const zone = station.value?.timezone ?? "UTC";
  return html`<section class="card diary" aria-label=${t("diary.title")}><h2>${t("diary.title")}</h2>
    ${picture.events.length === 0 && html`<p class="calm">${t("charger.no-events")}</p>`}
    <ol>${picture.events.map((event) => html`<li key=${event.at + event.code}><time>${clockSeconds(Date.parse(event.at), zone)}</time>
      <span>${event.subject !== picture.row.id && html`<b>${event.subject}</b> `}${happened(event.code)}${event.detail && html` <small>${event.detail}</small>`}</span></li>`)}</ol>
  </section>`;
}

/** @param {{ picture: ChargerPicture }} props */
function Rename({ picture }) {
  const { row } = picture;
  const [name, call] = useState(row.name);
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    care(`${row.id} · ${t("charger.rename")}`, { is: "RenameCharger", charger: row.id, name: name.trim() });
  };
  return html`<form class="field" onSubmit=${go}><label for="charger-name">${t("charger.name")}</label>
    <span class="actions one-line"><input id="charger-name" value=${name} maxlength="40" autocomplete="off" onInput=${(/** @type {any} */ event) => call(event.currentTarget.value)} />
      <button type="submit" disabled=${!name.trim() || name.trim() === row.name}>${t("charger.rename")}</button></span></form>`;
}

/** @param {{ picture: ChargerPicture }} props */
function Actions({ picture }) {
  const { row } = picture;
  if (!signedIn.value) return html`<p class="hint"><${Icon} name="lock" />${t("header.how-to-sign-in")}</p>`;
  const give = (/** @type {string} */ what, /** @type {Record<string, unknown>} */ body) => () => care(`${row.name} · ${what}`, { ...body, charger: row.id });
  return html`<section class="card cares-actions" aria-label=${t("charger.actions")}>
    <${Rename} key=${row.name} picture=${picture} />
    <span class="actions">
      <button type="button" disabled=${!row.online} onClick=${give(t("charger.ask"), { is: "AskStatus" })}>${t("charger.ask")}</button>
      <${Confirm} label=${t("charger.restart")} question=${t("confirm.restart")} disabled=${!row.online} onYes=${give(t("charger.restart"), { is: "RestartCharger" })} />
      ${row.joined && html`<${Confirm} label=${t("charger.remove")} question=${t("confirm.remove")} onYes=${give(t("charger.remove"), { is: "ForgetCharger" })} />`}
    </span>
  </section>`;
}

export function Charger() {
  const picture = one.value;
  const back = html`<a class="back" href=${addressOf()}>← ${t("chargers.title")}</a>`;
  if (!picture) return html`${back}<p class="waiting" role="status">${t(picture === false ? "charger.unknown" : "page.waiting")}</p>`;
  const { row } = picture;
  return html`<div class="charger-head">${back}<h2>${row.name}</h2>${row.name !== row.id && html`<small>${row.id}</small>`}
      <${Condition} row=${row} /><${Shield} row=${row} /></div>
    <div class="charger-cards"><div>
      <section class=${classes("card", "steps")} aria-label=${t("charger.steps")}><h2>${t("charger.steps")} <small>${t("newcomers.steps", { done: row.done, steps: row.steps })}</small></h2>
        <ol>${picture.steps.map((step) => html`<${Step} key=${step.name} step=${step} />`)}</ol></section>
      <${Events} picture=${picture} /></div>
      <div><${Actions} picture=${picture} /><${Facts} picture=${picture} /><${Oddities} picture=${picture} /></div>
    </div>`;
}
