/** Which files are pictures, by their first bytes: the server's own table. */
import table from "../../../src/bakeoff/data/formats.json" with { type: "json" };

const HEAD = 1024;
const LOOKS = table.signatures.map(
  ([pattern, words]) => [new RegExp(`^(?:${pattern})`, "is"), words!] as const,
);

/** What a dialog for files offers: every ending that a reader of sets takes, and pictures. */
export const SETS = [...table.sets, "image/*"].join(",");

/** Words such as "a PNG picture"; null if nothing is recognised. */
export function looksLike(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  const known = LOOKS.find(([pattern]) => pattern.test(head));
  if (known) return known[1];
  return head && !/[\0-\x08\x0e-\x1f\x7f]/.test(head) ? "a text file" : null;
}

/** The format's name, as in the table; null if it is none that is read. */
export function formatOf(words: string | null): string | null {
  return table.read.find((name) => words === `a ${name} picture`) ?? null;
}

/** Why a file is refused, in the words of the server. */
export function notAPicture(words: string | null): string {
  if (words === null) return "it is not a picture. Remove it, or save it as PNG or JPEG.";
  const kinds = `${table.read.slice(0, -1).join(", ")} or ${table.read.at(-1)}`;
  return `it looks like ${words}, not like ${kinds}. Save it as PNG or JPEG.`;
}

export const DAMAGED = "the picture is damaged or cut short (truncated). Save or copy it again.";
