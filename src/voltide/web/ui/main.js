// @ts-check
// The operator's page: one station, live.
import { render } from "preact";
import { follow } from "./day.js";
import { html } from "./dom.js";
import { loadWords, t } from "./i18n.js";
import { listen, whoAmI } from "./live.js";
import { line, opened, stale, station } from "./store.js";
import { Alarms, Diary } from "./parts/alarms.js";
import { Flow } from "./parts/flow.js";
import { Header } from "./parts/header.js";
import { Notices } from "./parts/notices.js";
import { Orders } from "./parts/orders.js";
import { Panel } from "./parts/panel.js";
import { Tiles } from "./parts/tiles.js";
import { Timeline } from "./parts/timeline.js";

function Station() {
  const old = stale.value || line.value !== "live";
  return html`<main class=${old ? "page old" : "page"}>
    <${Flow} /><${Timeline} /><${Tiles} />
    <div class="side"><${Alarms} /><${Orders} /><${Diary} /></div>
  </main>`;
}

function App() {
  const known = station.value !== null;
  return html`<${Header} />
    ${known ? html`<${Station} />` : html`<p class="waiting" role="status">${t("page.waiting")}</p>`}
    <${Panel} />${opened.value === null && html`<${Notices} />`}`;
}

await loadWords();
await whoAmI();
follow();
listen();
const root = document.getElementById("app");
if (root) {
  root.replaceChildren();
  render(html`<${App} />`, root);
}
