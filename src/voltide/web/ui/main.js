// @ts-check
// The operator's page: one station, live.
import { render } from "preact";
import { followChargers, place } from "./chargers.js";
import { follow } from "./day.js";
import { classes, html } from "./dom.js";
import { loadWords, t } from "./i18n.js";
import { listen, whoAmI } from "./live.js";
import { followPlan } from "./plan.js";
import { line, opened, stale, station } from "./store.js";
import { DayAhead } from "./parts/ahead.js";
import { Alarms, Diary } from "./parts/alarms.js";
import { Charger } from "./parts/charger.js";
import { Chargers } from "./parts/chargers.js";
import { Flow } from "./parts/flow.js";
import { Header } from "./parts/header.js";
import { Notices } from "./parts/notices.js";
import { Orders } from "./parts/orders.js";
import { Panel } from "./parts/panel.js";
import { Tiles } from "./parts/tiles.js";
import { Timeline } from "./parts/timeline.js";

function Page() {
  const old = stale.value || line.value !== "live";
  if (place.value !== null) {
    return html`<main class=${classes("page", "cares", old && "old")}>${place.value ? html`<${Charger} />` : html`<${Chargers} />`}</main>`;
  }
  return html`<main class=${classes("page", old && "old")}>
    <${Flow} /><${Timeline} /><${DayAhead} /><${Tiles} />
    <div class="side"><${Alarms} /><${Orders} /><${Diary} /></div>
  </main>`;
}

function App() {
  const known = station.value !== null;
  return html`<${Header} />
    ${known ? html`<${Page} />` : html`<p class="waiting" role="status">${t("page.waiting")}</p>`}
    <${Panel} />${opened.value === null && html`<${Notices} />`}`;
}

await loadWords();
await whoAmI();
follow();
followPlan();
followChargers();
listen();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(html`<${App} />`, root);
}
