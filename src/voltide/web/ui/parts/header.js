// @ts-check
// Which station, what time there, what a kWh costs, whether what you see is live, and who you are.
import { addressOf, place } from "../chargers.js";
import { classes, html } from "../dom.js";
import { clockSeconds, day, number } from "../format.js";
import { t } from "../i18n.js";
import { language, switchLanguage, switchTheme, theme } from "../settings.js";
import { line, now, signedIn, silence, stale, station } from "../store.js";
import { Icon } from "./icons.js";

function Connection() {
  const state = line.value !== "live" ? line.value : stale.value ? "stale" : "live";
  const seconds = Math.floor(silence.value);
  return html`<span class=${classes("connection", `is-${state}`)} role="status">
    <i aria-hidden="true"></i>${t(`line.${state}`, { seconds })}
  </span>`;
}

function Price() {
  const picture = station.value;
  if (!picture || picture.price_buy === null) return null;
  return html`<span class="price" title=${t("header.price-title")}>
    <small>${t("header.price")}</small> <b>${number(picture.price_buy, 2)}</b>
    ${picture.price_sell !== null && html`<small> · ${t("header.sell")}</small> <b>${number(picture.price_sell, 2)}</b>`}
    <small> ${t("unit.yuan-kwh")}</small>
  </span>`;
}

function Clock() {
  const picture = station.value;
  if (!picture) return null;
  return html`<time class="clock" title=${picture.timezone}>
    <small>${day(now.value, picture.timezone)}</small> <b>${clockSeconds(now.value, picture.timezone)}</b>
  </time>`;
}

function Visitor() {
  if (signedIn.value) return html`<span class="visitor"><${Icon} name="check" />${t("header.signed-in")}</span>`;
  return html`<details class="visitor">
    <summary><${Icon} name="lock" />${t("header.read-only")}</summary>
    <p>${t("header.how-to-sign-in")}</p>
  </details>`;
}

function Pages() {
  const here = place.value;
  const waiting = station.value?.newcomers ?? 0;
  return html`<nav class="pages" aria-label=${t("header.pages")}>
    <a href="#/" aria-current=${here === null ? "page" : undefined}>${t("header.station")}</a>
    <a href=${addressOf()} aria-current=${here === null ? undefined : "page"}>${t("header.chargers")}
      ${waiting > 0 && html` <b class="count" title=${t("newcomers.waiting", { count: waiting })}>${waiting}</b>`}</a>
  </nav>`;
}

export function Header() {
  const picture = station.value;
  const name = picture ? (language.value === "zh" ? picture.name_zh : picture.name) || picture.station : "Voltide";
  const other = theme.value === "dark" ? "light" : "dark";
  return html`<header class="header">
    <img src="/ui/icon.svg" alt="" width="28" height="28" />
    <h1>${name}</h1>
    <${Pages} />
    <${Connection} />
    <span class="grow"></span>
    <${Price} />
    <${Clock} />
    <${Visitor} />
    <button type="button" class="quiet" onClick=${switchLanguage} lang=${language.value === "zh" ? "en" : "zh"}>
      ${language.value === "zh" ? "English" : "中文"}
    </button>
    <button type="button" class="quiet icon-only" onClick=${switchTheme} aria-label=${t(`header.theme-${other}`)}
      title=${t(`header.theme-${other}`)}><${Icon} name=${other === "dark" ? "moon" : "sun"} /></button>
  </header>`;
}
