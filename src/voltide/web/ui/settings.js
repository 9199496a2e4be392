// @ts-check
// Language and theme: from the browser at first, from the switch ever after.
import { effect, signal } from "@preact/signals";

/** @param {string} name @param {string} value */
function keep(name, value) {
  try { localStorage.setItem(name, value); } catch { /* a private window forgets; the page still works */ }
}

const root = document.documentElement;

/** @type {import("@preact/signals").Signal<"en" | "zh">} */
export const language = signal(root.lang === "zh" ? "zh" : "en");
/** @type {import("@preact/signals").Signal<"light" | "dark">} */
export const theme = signal(root.dataset.theme === "dark" ? "dark" : "light");

effect(() => { root.lang = language.value; });
effect(() => { root.dataset.theme = theme.value; });

export function switchLanguage() {
  language.value = language.value === "zh" ? "en" : "zh";
  keep("voltide.language", language.value);
}

export function switchTheme() {
  theme.value = theme.value === "dark" ? "light" : "dark";
  keep("voltide.theme", theme.value);
}
