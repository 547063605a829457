/** Where the reader is, kept in the address bar: every view has a URL that can be shared.
 *
 * Only the part behind # is used, so that it works from disk and from any static host.
 */
import { href, read, type Address, type Query } from "./address.ts";

export { href, type Query };

class Route {
  #hash = location.hash;
  #place = $state<Address>(read(location.hash));

  constructor() {
    addEventListener("hashchange", () => this.#arrive());
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

  /** `go` for the end of a wait that begins here: it does nothing once the reader has left. */
  get onward(): Route["go"] {
    const from = pathOf(this.#hash); // not #place: who asks in an effect must not depend on it
    return (path, query) => {
      if (pathOf(location.hash) === from) this.go(path, query);
    };
  }

  /** Complete the address of this place, without a new step in the history. */
  name(path: string[]): void {
    this.#replace(href(path, this.query));
  }

  /** Change entries of the query without a new step in the history, as filters do. */
  set(query: Query): void {
    this.#replace(href(this.path, { ...this.query, ...query }));
  }

  #replace(address: string): void {
    // The reader has followed a link, and hashchange has yet to say so: the new address stays.
    if (location.hash !== this.#hash) return;
    history.replaceState(null, "", address);
    this.#arrive();
  }

  #arrive(): void {
    this.#hash = location.hash;
    this.#place = read(location.hash);
  }
}

function pathOf(hash: string): string {
  return href(read(hash).path);
}

export const route = new Route();
