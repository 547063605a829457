/** The files in a zip, unpacked in the browser: each has its path, and can be shown. */
import { unzipSync } from "fflate";
import { formatOf, looksLike } from "./formats.ts";

const MOST_FILES = 20_000; // as a server of this page accepts
const MOST_BYTES = 500e6; // unpacked

export interface Unpacked {
  path: string;
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Whether a file is a zip, by its first bytes. */
export async function isZip(file: Blob): Promise<boolean> {
  const [p, k, three, four] = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return p === 0x50 && k === 0x4b && three === 3 && four === 4;
}

/** All files of a zip, sorted by path, without those that operating systems leave behind.
 *
 * Throws if the zip is damaged, or unpacks to too much.
 */
export function unpacked(zip: Uint8Array): Unpacked[] {
  let [files, bytes] = [0, 0];
  const found = unzipSync(zip, {
    filter({ name, originalSize }) {
      if (name.endsWith("/") || name.split("/").some(isHidden)) return false;
      if (++files > MOST_FILES || (bytes += originalSize) > MOST_BYTES)
        throw new Error("the zip unpacks to too much");
      return true;
    },
  });
  return Object.entries(found)
    .map(([path, content]) => {
      const data = content as Uint8Array<ArrayBuffer>;
      const format = formatOf(looksLike(data));
      return { path, type: format ? `image/${format.toLowerCase()}` : "", bytes: data };
    })
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isHidden(part: string): boolean {
  return part.startsWith(".") || ["__MACOSX", "Thumbs.db", "desktop.ini"].includes(part);
}
