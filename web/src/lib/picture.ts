/** Pictures as the models are given them, for the page to show. */
import { bytes } from "./base64.ts";
import type { Decoded, Work } from "./decode.worker.ts";
import { pathOf, withPath } from "./dropped.ts";
import { formatOf, looksLike } from "./formats.ts";
import { toRgba, type Pixels } from "./pixels.ts";
import { MadeFile, png } from "./png.ts";
import { isZip, type Unpacked } from "./zip.ts";

let worker: Worker | undefined;
let count = 0;
const waiting = new Map<number, (reply: Decoded) => void>();

/** The picture in a file: decoded, turned and shrunk as the server does it. */
export async function pixelsOf(file: Blob): Promise<Pixels> {
  return (await asked(file, "picture")).picture!;
}

/** Files, with those inside of zips in place of the zips. What cannot be unpacked stays a zip. */
export async function unzipped(files: readonly File[]): Promise<File[]> {
  const parts = await Promise.all(
    files.map(async (file) => {
      if (file.type.startsWith("image/")) return [file];
      try {
        if (!(await isZip(file))) return [file];
        const inside = (await asked(file, "zip")).files!;
        return inside.length ? inside.map((one) => fileOf(one, pathOf(file))) : [file];
      } catch {
        return [file];
      }
    }),
  );
  return parts.flat();
}

/** A picture file, byte for byte; what is none, such as a table of pixels, as PNG. */
export async function asPicture(file: File): Promise<File> {
  const head = new Uint8Array(await file.slice(0, 1024).arrayBuffer());
  if (formatOf(looksLike(head))) return file;
  return new MadeFile(png(await pixelsOf(file)), `${file.name}.png`);
}

/** A picture in a data URI as a file. */
export function fileOfUri(uri: string, name: string): File {
  const type = uri.slice("data:".length, uri.indexOf(";"));
  return new File([bytes(uri.slice(uri.indexOf(",") + 1))], name, { type });
}

function fileOf({ path, type, bytes: inside }: Unpacked, zip: string): File {
  return withPath(new File([inside], path.split("/").at(-1)!, { type }), `${zip}/${path}`);
}

function asked(file: Blob, kind: Work["kind"]): Promise<Decoded> {
  worker ??= started();
  const id = count++;
  worker.postMessage({ id, file, kind });
  return new Promise((done, fail) => {
    waiting.set(id, (reply) =>
      reply.error === undefined ? done(reply) : fail(new Error(reply.error)),
    );
  });
}

export async function bitmapOf(file: Blob): Promise<ImageBitmap> {
  return createImageBitmap(toRgba(await pixelsOf(file)));
}

function started(): Worker {
  const made = new Worker(new URL("./decode.worker.ts", import.meta.url), { type: "module" });
  const reply = (answer: Decoded) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  };
  made.onmessage = ({ data }: MessageEvent<Decoded>) => reply(data);
  made.onerror = () => {
    for (const id of waiting.keys()) reply({ id, error: "This browser cannot decode pictures." });
  };
  return made;
}
