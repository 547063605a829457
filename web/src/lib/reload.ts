/** What to do if a part of the page cannot be loaded: a server that was updated names its parts
 * otherwise, and a connection may break. To load the whole page again helps with both. */
import { recall, remember } from "./stored.ts";

const KEY = "bakeoff.reloaded";

/** A part of the page. If it cannot be loaded, the page is loaded again, and until then this is
 * pending; it fails if that has just been tried, or would not help. */
export async function loaded<Part>(part: Promise<Part>): Promise<Part> {
  try {
    const found = await part;
    remember("tab", KEY, null); // the next part that is missing is worth another try
    return found;
  } catch (error) {
    if (!reloadOnce()) throw error;
    return new Promise(() => undefined);
  }
}

/** Load the page again, unless that has just been tried or nothing can be remembered. */
function reloadOnce(): boolean {
  if (!navigator.onLine || recall("tab", KEY) !== null) return false;
  remember("tab", KEY, true);
  if (recall("tab", KEY) === null) return false;
  location.reload();
  return true;
}
