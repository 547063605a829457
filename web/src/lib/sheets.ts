/** Thumbnails, many in one image file. */
import { request, type Schema } from "./api.ts";
import { bytes } from "./base64.ts";

/** The place of a thumbnail: its file, and its column and row in tiles. */
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

  /** Null if this page does not contain the picture. */
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

  /** The address of a sheet, for CSS; fetched once. */
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
    // Fetched by hand, as an <img> cannot send a token.
    return URL.createObjectURL(await (await request(url)).blob());
  }
}
