// @ts-check
// What needs a person, with what to do; and the diary of what has happened.
import { addressOf } from "../chargers.js";
import { html } from "../dom.js";
import { clockSeconds, moment, relative } from "../format.js";
import { happened, t, word } from "../i18n.js";
import { now, opened, outlets, station } from "../store.js";
import { Icon } from "./icons.js";

/** A subject that is an outlet of ours opens its panel, one that is a charger its page. @param {{ id: string, code?: string }} props */
function Subject({ id, code = "" }) {
  if (code === "newcomer-waits") return html`<a class="subject" href=${addressOf()}>${id}</a>`;
  if (outlets.value.some((outlet) => outlet.peek().charger === id)) return html`<a class="subject" href=${addressOf(id)}>${id}</a>`;
  if (!outlets.value.some((outlet) => outlet.peek().id === id)) return html`<span class="subject">${id}</span>`;
  return html`<button type="button" class="link subject" onClick=${() => { opened.value = id; }}>${id}</button>`;
}

export function Alarms() {
  const picture = station.value;
  const alarms = picture?.alarms ?? [];
  return html`<section class="card alarms" aria-label=${t("alarms.title")}>
    <h2>${t("alarms.title")}${alarms.length > 0 && html` <b class="count">${alarms.length}</b>`}</h2>
    ${alarms.length === 0 && html`<p class="calm"><${Icon} name="check" />${t("alarms.none")}</p>`}
    <ul>${alarms.map((alarm) => html`<li key=${`${alarm.code}/${alarm.subject}`}>
      <${Icon} name="alarm" />
      <div><p><b>${word("alarm", alarm.code)}</b> <${Subject} id=${alarm.subject} code=${alarm.code} /></p>
        <p class="todo">${word("todo", alarm.code)}</p>
        <p class="small">${moment(Date.parse(alarm.since), now.value, picture?.timezone ?? "UTC")} · ${relative(Date.parse(alarm.since), now.value)}${alarm.detail && html` · <span>${alarm.detail}</span>`}</p></div>
    </li>`)}</ul>
  </section>`;
}

export function Diary() {
  const picture = station.value;
  const zone = picture?.timezone ?? "UTC";
  return html`<section class="card diary" aria-label=${t("diary.title")}>
    <h2>${t("diary.title")}</h2>
    <ol tabindex="0">${(picture?.events ?? []).map((event) => html`<li key=${event.at + event.code + event.subject}>
      <time>${clockSeconds(Date.parse(event.at), zone)}</time>
      <span><${Subject} id=${event.subject} /> ${happened(event.code)}${event.detail && html` <small>${event.detail}</small>`}</span>
    </li>`)}</ol>
  </section>`;
}
