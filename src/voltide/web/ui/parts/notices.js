// @ts-check
// What came of what was ordered, with a way back where there is one.
import { dismiss, notices } from "../api.js";
import { classes, html } from "../dom.js";
import { t } from "../i18n.js";
import { Icon } from "./icons.js";

export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map((notice) => html`<p key=${notice.id} class=${classes("notice", !notice.done && "bad")}>
      <${Icon} name=${notice.done ? "check" : "alarm"} /><span>${notice.text}</span>
      ${notice.undo && html`<button type="button" onClick=${() => { dismiss(notice.id); notice.undo?.(); }}>${t("action.undo")}</button>`}
      <button type="button" class="quiet icon-only" aria-label=${t("action.close")} onClick=${() => dismiss(notice.id)}><${Icon} name="close" /></button>
    </p>`)}
  </div>`;
}
