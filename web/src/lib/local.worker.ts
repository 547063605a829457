/** Models in a worker, so that drawing never waits for them. */
import * as ort from "onnxruntime-web/wasm";
import runtime from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { answerOf, thresholdsOf, type ConfusionCost } from "./answer.ts";
import { shrunk } from "./average.ts";
import { dataUri } from "./base64.ts";
import { decoded } from "./decode.ts";
import type {
  Early,
  Explanations,
  LeftOut,
  ModelAnswers,
  ModelInfo,
  Predictions,
  Seen,
} from "./models.ts";
import { covered, gridOf, SIDE } from "./occlusion.ts";
import type { Written } from "./numbers.ts";
import type { Pixels } from "./pixels.ts";
import { png } from "./png.ts";
import { uriOf } from "./sight.ts";

ort.env.wasm.wasmPaths = { wasm: new URL(runtime, import.meta.url).href };
ort.env.wasm.numThreads = 1; // more threads need headers that a plain file server does not send

const COVERED_AT_ONCE = 7; // between batches a new drawing gets its turn

/** The part of bundle.json that is read here. */
interface Manifest {
  title: string;
  classes: string[];
  parameters: number;
  preparation: { mode: "ink" | "photo"; side: number; channels: number };
  scores: { accuracy: number }[];
  trust: Parameters<typeof thresholdsOf>[0];
  /** Older bundles have none. */
  cost?: ConfusionCost[];
}

interface Listed {
  name: string;
  title: string;
  manifest: string;
  graph: string;
}

interface Model {
  name: string;
  manifest: Manifest;
  session: ort.InferenceSession;
}

export type Question =
  | { kind: "list"; index: string }
  | { kind: "predict"; files: File[]; names: string[]; top: number }
  | { kind: "explain"; file: File; names: string[] };

/** A reply to the request of that number; `early` ones come before the answer. */
export interface Reply {
  id: number;
  early?: ModelAnswers;
  answer?: unknown;
  error?: string;
}

let models: Model[] = [];
let predictions = 0; // number of predictions so far: an explanation stops when it grows

onmessage = async ({
  data: { id, question },
}: MessageEvent<{ id: number; question: Question }>) => {
  const reply = (rest: Omit<Reply, "id">) => postMessage({ id, ...rest });
  try {
    reply({ answer: await answered(question, (early) => reply({ early })) });
  } catch (error) {
    reply({ error: error instanceof Error ? error.message : String(error) });
  }
};

function answered(question: Question, early: Early): Promise<unknown> {
  if (question.kind === "list") return list(question.index);
  if (question.kind === "explain") return explain(question.file, question.names);
  return predict(question.files, question.names, question.top, early);
}

async function list(index: string): Promise<ModelInfo[]> {
  const listed = (await (await fetched(index)).json()) as Listed[];
  models = await Promise.all(
    listed.map(async ({ name, manifest, graph }) => ({
      name,
      manifest: (await (await fetched(new URL(manifest, index).href)).json()) as Manifest,
      session: await started(name, await fetched(new URL(graph, index).href)),
    })),
  );
  return models.map(({ name, manifest }) => ({
    name,
    run: null,
    title: manifest.title,
    classes: manifest.classes,
    parameters: manifest.parameters,
    mode: manifest.preparation.mode,
    accuracy: manifest.scores[0]?.accuracy ?? null,
    waiting: 0,
    drift: null, // who sends what is not known here
  }));
}

async function started(name: string, graph: Response): Promise<ort.InferenceSession> {
  const bytes = new Uint8Array(await graph.arrayBuffer());
  try {
    return await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  } catch (error) {
    const why = messageOf(error);
    // Without the runtime no model starts; with it, a graph is at fault.
    const begins = /backend/.test(why)
      ? "The models cannot be started. Serve the whole folder, with .wasm as application/wasm."
      : `The model ${name} does not run in a browser. Export the page without it.`;
    throw new Error(`${begins} (${why.slice(0, 200)})`);
  }
}

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url).catch(() => null);
  if (response?.ok) return response;
  throw new Error(
    `${url.split("/").at(-1)} cannot be fetched. Serve the whole folder,  ` +
      "for example with python -m http.server; opened from disk the page cannot run.",
  );
}

async function predict(
  files: File[],
  names: string[],
  top: number,
  early: Early,
): Promise<Predictions & { seen: Seen | null }> {
  predictions++;
  const pictures: (Written & { several: boolean })[] = [];
  const refused: LeftOut[] = [];
  for (const file of files) {
    try {
      const found = await decoded(file);
      pictures.push(...found.map((one) => ({ ...one, several: found.length > 1 })));
    } catch (error) {
      // A single picture is refused; among several it is left out.
      if (files.length === 1) throw error;
      refused.push({
        subject: file.name,
        problem: messageOf(error).slice(file.name.length + 2),
        hint: "",
      });
    }
  }
  const said: ModelAnswers[] = [];
  const sights: Seen["models"] = [];
  for (const { name, manifest, session } of chosen(names)) {
    const began = performance.now();
    const answers = [];
    for (const picture of pictures) {
      const found = await evaluate(session, picture.pixels, [picture.pixels.data]);
      const shares = found["probabilities"]!.data as Float32Array;
      const score = found["ood_score"] ?? found["strangeness"]; // as bundles of schema 1 name it
      const { classes } = manifest;
      const trust = thresholdsOf(manifest.trust);
      const ood = Number(score!.data[0]);
      answers.push(answerOf(picture.name, shares, ood, classes, trust, top, manifest.cost));
      if (pictures.length === 1 && found["prepared"]) {
        const { side, channels } = manifest.preparation;
        const uri = await uriOf(found["prepared"].data as Float32Array, side, channels);
        sights.push({ model: name, picture: uri, size: side });
      }
    }
    const milliseconds = performance.now() - began;
    const one = { model: name, milliseconds, answers, drifted: false };
    early(one);
    said.push(one);
  }
  const given = await Promise.all(
    pictures.map(async ({ pixels, label, several }) => ({
      label: label ?? null,
      picture: several ? await dataUri(await png(pixels)) : null,
    })),
  );
  return {
    models: said,
    left_out: refused,
    pictures: given,
    notes: pictures.flatMap(({ note }) => note ?? []),
    seen: sights.length ? { models: sights } : null,
  };
}

async function explain(file: File, names: string[]): Promise<Explanations> {
  const before = predictions;
  const [first] = await decoded(file);
  const picture = shrunk(first!.pixels, SIDE);
  const { rows, columns } = gridOf(picture);
  const found: Explanations = { models: [] };
  for (const { name, manifest, session } of chosen(names)) {
    const whole = await evaluate(session, picture, [picture.data]);
    const shares = whole["probabilities"]!.data as Float32Array;
    const best = shares.indexOf(Math.max(...shares));
    const copies = [...covered(picture)];
    const drops: number[] = [];
    while (drops.length < copies.length) {
      const some = copies.slice(drops.length, drops.length + COVERED_AT_ONCE);
      const without = (await evaluate(session, picture, some))["probabilities"]!
        .data as Float32Array;
      for (let n = 0; n < some.length; n++) {
        drops.push(shares[best]! - without[n * manifest.classes.length + best]!);
      }
      await new Promise((done) => setTimeout(done));
      if (predictions !== before) throw new Error("Superseded by another picture.");
    }
    found.models.push({
      model: name,
      label: manifest.classes[best]!,
      drops: Array.from({ length: rows }, (_, row) =>
        drops.slice(row * columns, (row + 1) * columns),
      ),
      neighbours: [],
    });
  }
  return found;
}

/** All outputs of a graph for pictures of one shape. */
function evaluate(
  session: ort.InferenceSession,
  { width, height, channels }: Pixels,
  pictures: readonly Uint8Array[],
): Promise<ort.InferenceSession.ReturnType> {
  const data = new Uint8Array(pictures.length * width * height * channels);
  pictures.forEach((one, at) => data.set(one, at * one.length));
  const pixels = new ort.Tensor("uint8", data, [pictures.length, height, width, channels]);
  return session.run({ pixels });
}

function chosen(names: readonly string[]): Model[] {
  return models.filter((model) => names.includes(model.name));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
