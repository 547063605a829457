/** Pictures as the models are given them, for the page to show. */
import type { Decoded } from "./decode.worker.ts";
import { toRgba, type Pixels } from "./pixels.ts";

let worker: Worker | undefined;
let count = 0;
const waiting = new Map<number, (reply: Decoded) => void>();

/** The picture in a file: decoded, turned and shrunk as the server does it. */
export function pixelsOf(file: Blob): Promise<Pixels> {
  worker ??= started();
  const id = count++;
  worker.postMessage({ id, file });
  return new Promise((done, fail) => {
    waiting.set(id, ({ picture, error }) =>
      picture ? done(picture) : fail(new Error(error ?? "It cannot be decoded.")),
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
