/** Addresses within the page: the part behind #, such as `#/compare/digits?view=confusion&a=cnn`. */

export type Query = Record<string, string | undefined>;

export interface Address {
  path: string[];
  query: Query;
}

export function read(hash: string): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path.split("/").filter(Boolean).map(decoded),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand
  }
}

/** The address for `<a href>`. Query entries that are undefined or "" are left out. */
export function href(path: readonly string[], query: Query = {}): string {
  const present = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const search = present.length ? `?${new URLSearchParams(present)}` : "";
  return `#/${path.map(encodeURIComponent).join("/")}${search}`;
}
