/** What to do if a part of the page cannot be loaded: a server that was updated names its parts
 * otherwise, and a connection may break. To load the whole page again helps with both. */
import { recall, remember } from "./stored.ts";

const KEY = "bakeoff.reloaded";

/** Load the page again, unless that has just been tried or nothing can be remembered. */
export function reloadOnce(): void {
  if (!navigator.onLine || recall("tab", KEY) !== null) return;
  remember("tab", KEY, true);
  if (recall("tab", KEY) !== null) location.reload();
}

/** A part was loaded: the next one that is missing is worth another try. */
export function partLoaded(): void {
  remember("tab", KEY, null);
}
