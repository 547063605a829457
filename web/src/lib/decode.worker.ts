/** Decodes pictures that the page shows, beside the page: a photo of a phone takes half a second. */
import { decoded } from "./decode.ts";
import type { Pixels } from "./pixels.ts";

export interface Decoded {
  id: number;
  picture?: Pixels;
  error?: string;
}

onmessage = async ({ data: { id, file } }: MessageEvent<{ id: number; file: File }>) => {
  const reply = (rest: Omit<Decoded, "id">) => postMessage({ id, ...rest });
  try {
    const [picture, another] = await decoded(file);
    reply(another ? { error: "The file has several pictures." } : { picture: picture!.pixels });
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
};
