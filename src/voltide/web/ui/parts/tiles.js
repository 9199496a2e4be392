// @ts-check
// All outlets, by pile and cabinet, with what each pile and cabinet carries.
import { computed, signal } from "@preact/signals";
import { html } from "../dom.js";
import { kw, percent } from "../format.js";
import { t, word } from "../i18n.js";
import { counts, kindOf, outlets, station } from "../store.js";
import { Tile } from "./tile.js";

/** @typedef {import("../types.js").NodePicture} NodePicture */

const FILTERS = ["all", "charging", "discharging", "waiting", "free", "trouble"];
const filter = signal("all");

const nodes = computed(() => new Map((station.value?.nodes ?? []).map((node) => [node.id, node])));

/** Outlets by the node they hang on, those by the cabinet above them; "" stands for what hangs on no cabinet. */
const sections = computed(() => {
  /** @type {Map<string, Map<string, typeof outlets.value>>} */
  const found = new Map();
  for (const outlet of outlets.value) {
    const { group } = outlet.value;
    if (filter.value !== "all" && kindOf(outlet.value) !== filter.value) continue;
    const above = nodes.value.get(nodes.value.get(group)?.parent ?? "");
    const section = above && above.parent !== null ? above.id : "";
    const groups = found.get(section) ?? new Map();
    found.set(section, groups);
    groups.set(group, [...(groups.get(group) ?? []), outlet]);
  }
  return found;
});

/** @param {{ id: string }} props */
function Load({ id }) {
  const node = nodes.value.get(id);
  if (!node) return null;
  const limit = node.power_w < 0 ? node.export_w : node.import_w;
  const share = limit ? Math.abs(node.power_w) / limit : 0;
  const level = share > 1.02 ? "over" : node.power_w < -50 ? "back" : "fine";
  return html`<span class=${`load is-${level}`} title=${t("tiles.load", { share: percent(share) })}>
    <span class="load-track"><i style=${{ width: `${Math.min(100, share * 100)}%` }}></i></span>
    <span>${kw(node.power_w)} / ${kw(limit)} <small>kW</small></span>
  </span>`;
}

/** @param {{ id: string, list: typeof outlets.value }} props */
function Group({ id, list }) {
  const wide = list.length > 4 ? "all" : String(list.length);
  const first = list[0]?.value;
  const name = first && first.charger === id && first.called ? first.called : id;
  return html`<section class="group" data-wide=${wide}>
    <h4><span title=${id}>${name}</span><${Load} id=${id} /></h4>
    <div class="group-tiles">${list.map((outlet) => html`<${Tile} key=${outlet.peek().id} outlet=${outlet} />`)}</div>
  </section>`;
}

/** @param {Map<string, unknown[]>} groups */
const size = (groups) => [...groups.values()].reduce((count, list) => count + list.length, 0);

function Filters() {
  return html`<div class="filters" role="group" aria-label=${t("tiles.filter")}>
    ${FILTERS.map((name) => html`<button type="button" key=${name} class=${`chip k-${name}`} aria-pressed=${filter.value === name}
      onClick=${() => { filter.value = name; }}>${t(`filter.${name}`)} <b>${counts.value[name]}</b></button>`)}
  </div>`;
}

export function Tiles() {
  const all = [...sections.value];
  return html`<section class="tiles" aria-label=${t("tiles.title")}>
    <div class="tiles-head"><h2>${t("tiles.title")}</h2><${Filters} /></div>
    ${all.length === 0 && html`<p class="empty">${t("tiles.none")}</p>`}
    <div class="sections">${all.map(([id, groups]) => html`<div class="section" key=${id} data-wide=${size(groups) <= 4 ? "some" : "all"}>
      ${id && html`<h3><span>${id}</span><small>${word("node", nodes.value.get(id)?.kind ?? "")}</small><${Load} id=${id} /></h3>`}
      <div class="groups">${[...groups].map(([node, list]) => html`<${Group} key=${node} id=${node} list=${list} />`)}</div>
    </div>`)}</div>
  </section>`;
}
