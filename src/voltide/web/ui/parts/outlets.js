// @ts-check
// A charger's outlets in one line: how many, how strong, and whether power flows both ways.
import { html } from "../dom.js";
import { kw } from "../format.js";
import { t } from "../i18n.js";

/** @typedef {import("../chargertypes.js").Plate} Plate */

/** Equal outlets stand together. @param {Plate[]} plates @returns {[number, Plate][]} */
function alike(plates) {
  /** @type {Map<string, [number, Plate]>} */
  const found = new Map();
  for (const plate of plates) {
    const key = `${plate.charge_w}/${plate.discharge_w}/${plate.assumed.join()}`;
    found.set(key, [(found.get(key)?.[0] ?? 0) + 1, plate]);
  }
  return [...found.values()];
}

/** @param {{ plates: Plate[] }} props */
export function Outlets({ plates }) {
  return html`<span class="outlets">${alike(plates).map(([count, plate]) => html`<span key=${plate.number}>
    ${t("charger.outlet", { count, power: kw(plate.charge_w) })}${plate.discharge_w > 0 && html` <em class="both">⇄ ${kw(plate.discharge_w)} kW</em>`}
    ${plate.assumed.length > 0 && html` <em class="assumed" title=${t("charger.assumed-title")}>${t("charger.assumed")}</em>`}
  </span>`)}</span>`;
}
