/** Decodes pictures that the page shows, and unpacks zips, beside the page: both may take seconds. */
import { decoded } from "./decode.ts";
import type { Pixels } from "./pixels.ts";
import { unpacked, type Unpacked } from "./zip.ts";

export interface Work {
  id: number;
  file: File;
  kind: "picture" | "zip";
}

export interface Decoded {
  id: number;
  picture?: Pixels;
  files?: Unpacked[];
  error?: string;
}

onmessage = async ({ data: { id, file, kind } }: MessageEvent<Work>) => {
  const reply = (rest: Omit<Decoded, "id">) => postMessage({ id, ...rest });
  try {
    if (kind === "zip") {
      reply({ files: unpacked(new Uint8Array(await file.arrayBuffer())) });
      return;
    }
    const [picture, another] = await decoded(file);
    reply(another ? { error: "The file has several pictures." } : { picture: picture!.pixels });
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
};
