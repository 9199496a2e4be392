// @ts-check
// The line to the station: it comes back by itself, and says when it is gone.
import { change, line, show, signedIn } from "./store.js";

/** @param {number} wait ms before the next try, when the browser itself has given up */
export function listen(wait = 1000) {
  const source = new EventSource("/api/live");
  source.addEventListener("open", () => { wait = 1000; });
  source.addEventListener("snapshot", (event) => {
    show(JSON.parse(event.data));
    line.value = "live";
  });
  source.addEventListener("delta", (event) => {
    change(JSON.parse(event.data));
    line.value = "live";
  });
  source.addEventListener("error", () => {
    line.value = "reconnecting";
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(async () => {
      await whoAmI();
      listen(Math.min(wait * 2, 15000));
    }, wait);
  });
}

/** Asks whether we are signed in; a page that may no longer be read asks for the sign-in page. */
export async function whoAmI() {
  try {
    const answer = await fetch("/api/me");
    if (answer.status === 401) location.reload();
    signedIn.value = answer.ok && (await answer.json()).signed_in;
  } catch { /* the line is down: the header says so */ }
}
