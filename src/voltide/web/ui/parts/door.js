// @ts-check
// The door for newcomers: shut, or open for a while; and what to type into a new charger.
import { care } from "../api.js";
import { list } from "../chargers.js";
import { html } from "../dom.js";
import { t } from "../i18n.js";
import { now, signedIn } from "../store.js";
import { Icon } from "./icons.js";

const MINUTES = 30;

/** The address as a charger on this network dials it. @param {string} url */
function dialled(url) {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])/, `//${location.hostname}`);
}

/** @param {number} ms */
function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {{ until: number | null, always: boolean }} props */
function Switch({ until, always }) {
  if (always) return html`<p class="door-state is-open"><${Icon} name="check" />${t("door.always")}</p>`;
  if (until === null || until <= now.value) {
    const open = () => care(t("door.open"), { is: "OpenToNewcomers", minutes: MINUTES });
    return html`<p><button type="button" class="primary large" disabled=${!signedIn.value} onClick=${open}>${t("door.open")}</button></p>
      <p class="small">${t(signedIn.value ? "door.shut-now" : "door.sign-in", { minutes: MINUTES })}</p>`;
  }
  const shut = () => care(t("door.shut"), { is: "OpenToNewcomers", minutes: 0 });
  return html`<p class="door-state is-open" role="status"><${Icon} name="check" /><span>${t("door.is-open")} <b>${left(until - now.value)}</b></span></p>
    <p><button type="button" disabled=${!signedIn.value} onClick=${shut}>${t("door.shut")}</button></p>`;
}

export function Door() {
  const picture = list.value;
  if (!picture) return null;
  const until = picture.open_until ? Date.parse(picture.open_until) : null;
  return html`<section class="card door" aria-label=${t("door.title")}>
    <div>
      <h2>${t("door.title")}</h2>
      <ol class="how">
        <li>${t("door.how-network")}</li>
        <li>${t("door.how-open")}</li>
        <li>${t("door.how-address")}
          <ul>${picture.doors.map((door) => html`<li key=${door.url}><code>${dialled(door.url)}<i>${t("door.identity")}</i></code> <small>${t(`profile.${door.profile}`)}</small></li>`)}</ul></li>
        <li>${t("door.how-accept")}</li>
      </ol>
    </div>
    <div class="door-switch"><${Switch} until=${until} always=${picture.always_open} /></div>
  </section>`;
}
