// @ts-check
// Words. Both catalogues have the same keys; a code that is new to us is shown as it is, never hidden.
import { language } from "./settings.js";

/** @type {Record<string, Record<string, string>>} */
const catalogues = {};

export async function loadWords() {
  await Promise.all(["en", "zh"].map(async (name) => {
    catalogues[name] = await (await fetch(`/ui/i18n/${name}.json`)).json();
  }));
}

/**
 * The sentence for a key, with {names} filled in.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = catalogues[language.value]?.[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * The word for a code of the station, or the code itself.
 * @param {string} kind state, why, alarm, todo, event or reply
 * @param {string} code
 */
export function word(kind, code) {
  const key = `${kind}.${code}`;
  return catalogues[language.value]?.[key] ?? (kind === "todo" ? t("todo.other") : code);
}

/**
 * Why an outlet has its setpoint, as a sentence.
 * @param {{ why: string, setpoint_w: number | null }} outlet
 */
export function because({ why, setpoint_w: setpoint }) {
  if (why.startsWith("node:")) return t("why.node", { node: why.slice(5) });
  return word("why", why === "order" && (setpoint ?? 0) < 0 ? "order-giving" : why);
}

/** What happened. @param {string} code */
export function happened(code) {
  return code.startsWith("alarm-") ? t("event.alarm", { alarm: word("alarm", code.slice(6)) }) : word("event", code);
}
