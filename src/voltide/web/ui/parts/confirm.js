// @ts-check
// A button that asks once more, in its own place, before it does what cannot be taken back.
import { useState } from "preact/hooks";
import { html } from "../dom.js";
import { t } from "../i18n.js";

/** @param {{ label: string, question: string, onYes: () => void, disabled?: boolean, danger?: boolean }} props */
export function Confirm({ label, question, onYes, disabled = false, danger = true }) {
  const [asking, ask] = useState(false);
  if (!asking) {
    return html`<button type="button" class=${danger ? "danger" : ""} disabled=${disabled} onClick=${() => ask(true)}>${label}</button>`;
  }
  return html`<span class="confirm" role="group" aria-label=${question}>
    <span>${question}</span>
    <button type="button" class=${danger ? "danger solid" : "primary"} autofocus onClick=${() => { ask(false); onYes(); }}>${t("action.yes")}</button>
    <button type="button" onClick=${() => ask(false)}>${t("action.no")}</button>
  </span>`;
}
