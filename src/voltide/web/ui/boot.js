// @ts-check
// Runs before the first paint, so that a dark room never sees a white flash.
(() => {
  const kept = (/** @type {string} */ name) => {
    try { return localStorage.getItem(name); } catch { return null; }
  };
  const theme = kept("voltide.theme");
  const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const wanted = kept("voltide.language") ?? (navigator.language || "en");
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.lang = wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
})();
