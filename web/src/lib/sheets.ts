/** Small versions of pictures, many to an image file. */
import { request, type Schema } from "./api.ts";
import { bytes } from "./base64.ts";

/** Where the small picture of a row is: in which file, and how far from its corner, in tiles. */
export interface Place {
  sheet: number;
  column: number;
  row: number;
}

export class Sheets {
  readonly tile: number;
  readonly across: number;
  readonly #perSheet: number;
  readonly #urls: string[];
  readonly #places: Map<number, number> | null;
  readonly #loaded = new Map<number, Promise<string>>();

  constructor(index: Schema["Sheets"]) {
    this.tile = index.tile;
    this.across = index.across;
    this.#perSheet = index.per_sheet;
    this.#urls = index.urls;
    this.#places =
      index.rows === null
        ? null
        : new Map([...new Uint32Array(bytes(index.rows).buffer)].map((row, n) => [row, n]));
  }

  /** Null where this page does not carry the picture. */
  place(row: number): Place | null {
    const number = this.#places ? this.#places.get(row) : row;
    if (number === undefined) return null;
    const within = number % this.#perSheet;
    return {
      sheet: Math.floor(number / this.#perSheet),
      column: within % this.across,
      row: Math.floor(within / this.across),
    };
  }

  /** The address of a sheet, for CSS; asked of the server once. */
  url(sheet: number): Promise<string> {
    let found = this.#loaded.get(sheet);
    if (!found) {
      found = this.#load(this.#urls[sheet]!);
      this.#loaded.set(sheet, found);
    }
    return found;
  }

  async #load(url: string): Promise<string> {
    if (url.startsWith("data:")) return url;
    // Not by its address alone: where the server wants a token, an <img> can not bring it.
    return URL.createObjectURL(await (await request(url)).blob());
  }
}
