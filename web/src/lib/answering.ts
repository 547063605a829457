/** Models that answer pixels in this browser: a graph, or what was solved from its features. */
import * as ort from "onnxruntime-web/wasm";
import runtime from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { NOTHING_DRAWN } from "./answer.ts";
import { reduced, type Nuisance } from "../teach/lessons.ts";
import { answerFrom, type Head } from "../teach/solve.ts";
import type { Pixels } from "./pixels.ts";

ort.env.wasm.wasmPaths = { wasm: new URL(runtime, import.meta.url).href };
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

/** What a model makes of n pictures of one shape. */
export interface Outputs {
  /** n×K. */
  probabilities: ArrayLike<number>;
  /** n. */
  oodScores: ArrayLike<number>;
  /** The model's input, if the graph gives it. */
  prepared: Float32Array | undefined;
}

/** Answers n pictures: `pixels` with the values of each. */
export type Answering = (pixels: Pixels, pictures: readonly Uint8Array[]) => Promise<Outputs>;

export type Session = ort.InferenceSession;

/** Start a graph; throws what to do about one that does not start. */
export async function started(name: string, graph: Response): Promise<Session> {
  const bytes = new Uint8Array(await graph.arrayBuffer());
  try {
    return await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // Without the runtime no model starts; with it, a graph is at fault.
    const begins = /backend/.test(why)
      ? "The models cannot be started. Serve the whole folder, with .wasm as application/wasm."
      : `The model ${name} does not run in a browser. Export the page without it.`;
    throw new Error(`${begins} (${why.slice(0, 200)})`);
  }
}

/** A file of the page; throws what to do if it cannot be fetched. */
export async function fetched(url: string): Promise<Response> {
  const response = await fetch(url).catch(() => null);
  if (response?.ok) return response;
  throw new Error(
    `${url.split("/").at(-1)} cannot be fetched. Serve the whole folder,  ` +
      "for example with python -m http.server; opened from disk the page cannot run.",
  );
}

/** The model of a bundle. */
export function graphModel(session: Session): Answering {
  return async (pixels, pictures) => {
    const found = await evaluate(session, pixels, pictures);
    // As bundles of schema 1 name it.
    const scores = found["ood_score"] ?? found["strangeness"];
    return {
      probabilities: found["probabilities"]!.data as Float32Array,
      oodScores: scores!.data as Float32Array,
      prepared: found["prepared"]?.data as Float32Array | undefined,
    };
  };
}

/** The features of pictures: n times D, their input to the model, and whether nothing is drawn. */
export async function featuresOf(
  session: Session,
  nuisance: Nuisance,
  pixels: Pixels,
  pictures: readonly Uint8Array[],
): Promise<{ features: Float32Array[]; prepared: Float32Array; blank: boolean[] }> {
  const found = await evaluate(session, pixels, pictures);
  const all = found["features"]!.data as Float32Array;
  const width = all.length / pictures.length;
  return {
    features: pictures.map((_, n) => reduced(all.slice(n * width, (n + 1) * width), nuisance)),
    prepared: found["prepared"]!.data as Float32Array,
    blank: Array.from(found["blank"]!.data as Uint8Array, Boolean),
  };
}

/** A model that was taught; `blanks`: whether it knows blank pictures as a class. */
export function taughtModel(
  session: Session,
  nuisance: Nuisance,
  head: Head,
  blanks: boolean,
): Answering {
  return async (pixels, pictures) => {
    const { features, prepared, blank } = await featuresOf(session, nuisance, pixels, pictures);
    const answers = features.map((one) => answerFrom(head, one));
    return {
      probabilities: Float32Array.from(answers.flatMap(({ probabilities }) => [...probabilities])),
      oodScores: answers.map(({ oodScore }, n) => (blank[n] && !blanks ? NOTHING_DRAWN : oodScore)),
      prepared,
    };
  };
}

/** All outputs of a graph for pictures of one shape. */
function evaluate(
  session: Session,
  { width, height, channels }: Pixels,
  pictures: readonly Uint8Array[],
): Promise<ort.InferenceSession.ReturnType> {
  const data = new Uint8Array(pictures.length * width * height * channels);
  pictures.forEach((one, at) => data.set(one, at * one.length));
  const pixels = new ort.Tensor("uint8", data, [pictures.length, height, width, channels]);
  return session.run({ pixels });
}
