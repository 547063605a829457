/** Where we are, kept in the address: every view has a URL that can be sent to someone.
 *
 * The part behind # is used, so that it works from a disk and from any static host:
 * `#/compare/digits?view=confusion&a=cnn`.
 */

export type Query = Record<string, string | undefined>;

interface Place {
  path: string[];
  query: Query;
}

function read(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path.split("/").filter(Boolean).map(plain),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // someone's own typing
  }
}

/** The address of a place, for `<a href>`. Query entries that are undefined or "" are left out. */
export function href(path: string[], query: Query = {}): string {
  const given = Object.entries(query).filter((one): one is [string, string] => !!one[1]);
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  return `#/${path.map(encodeURIComponent).join("/")}${search}`;
}

class Route {
  #place = $state<Place>(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => (this.#place = read(location.hash)));
  }

  get path(): string[] {
    return this.#place.path;
  }

  get query(): Query {
    return this.#place.query;
  }

  /** Go there, as a step that Back undoes. */
  go(path: string[], query: Query = {}): void {
    location.hash = href(path, query);
  }

  /** Say the place where we are more fully, without a step of its own. */
  name(path: string[]): void {
    history.replaceState(null, "", href(path, this.query));
    this.#place = read(location.hash);
  }

  /** Change some of the query without a step of its own, as while choosing what to look at. */
  set(query: Query): void {
    history.replaceState(null, "", href(this.path, { ...this.query, ...query }));
    this.#place = read(location.hash);
  }
}

export const route = new Route();
