/** Where the reader is, kept in the address bar: every view has a URL that can be shared.
 *
 * Only the part behind # is used, so that it works from disk and from any static host.
 */
import { href, read, type Address, type Query } from "./address.ts";

export { href, type Query };

class Route {
  #place = $state<Address>(read(location.hash));

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

  /** Complete the address of this place, without a new step in the history. */
  name(path: string[]): void {
    history.replaceState(null, "", href(path, this.query));
    this.#place = read(location.hash);
  }

  /** Change entries of the query without a new step in the history, as filters do. */
  set(query: Query): void {
    history.replaceState(null, "", href(this.path, { ...this.query, ...query }));
    this.#place = read(location.hash);
  }
}

export const route = new Route();
