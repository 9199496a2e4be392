// @ts-check
// What could be promised of the grid order that is being composed.
import { useEffect, useState } from "preact/hooks";
import { offer } from "../api.js";
import { html } from "../dom.js";
import { kw, percent } from "../format.js";
import { t, word } from "../i18n.js";

const STILL_MS = 400;

/** @typedef {import("../types.js").OfferPicture} OfferPicture */

/** @param {OfferPicture} told */
function sentence(told) {
  const values = { share: percent(told.confidence), power: kw(told.power_w) };
  const rests = told.days > 0 ? t("offer.learnt", { days: told.days }) : t("offer.assumed");
  const known = word("offer", told.ground) !== told.ground;
  return `${known ? t(`offer.${told.ground}`, values) : told.ground} · ${rests}`;
}

/** Asks anew when the window has stood still for a moment. @param {{ from: number, until: number, fits: boolean }} props */
export function Offer({ from, until, fits }) {
  const [told, tell] = useState(/** @type {OfferPicture | null | undefined} */ (undefined));
  useEffect(() => {
    tell(undefined);
    if (!fits) return undefined;
    let gone = false;
    const timer = setTimeout(async () => {
      const found = await offer(from, until);
      if (!gone) tell(found);
    }, STILL_MS);
    return () => { gone = true; clearTimeout(timer); };
  }, [from, until, fits]);
  if (!fits) return null;
  if (told === undefined) return html`<p class="small offer" aria-live="polite">${t("offer.asking")}</p>`;
  return html`<p class="small offer" aria-live="polite">${told ? sentence(told) : t("offer.silent")}</p>`;
}
