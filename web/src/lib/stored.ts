/** What the browser remembers of unfinished work. Without storage it remembers nothing. */

type Where = "tab" | "browser";

function storage(where: Where): Storage {
  return where === "tab" ? sessionStorage : localStorage;
}

/** The value under a key, unchecked; null if there is none. */
export function recall(where: Where, key: string): unknown {
  try {
    return JSON.parse(storage(where).getItem(key) ?? "null");
  } catch {
    return null; // no storage, or damaged
  }
}

/** Keep a value; null forgets it. */
export function remember(where: Where, key: string, value: unknown): void {
  try {
    if (value === null) storage(where).removeItem(key);
    else storage(where).setItem(key, JSON.stringify(value));
  } catch {
    // No storage, or full: the page works without.
  }
}

/** What follows `prefix` in the keys that begin with it. */
export function remembered(where: Where, prefix: string): string[] {
  try {
    const keys = Object.keys(storage(where)).filter((key) => key.startsWith(prefix));
    return keys.map((key) => key.slice(prefix.length)).sort();
  } catch {
    return [];
  }
}
