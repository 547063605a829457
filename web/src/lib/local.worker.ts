/** Models in a worker, so that drawing never waits for them. */
import { answerOf, NOTHING_DRAWN, thresholdsOf, type ConfusionCost } from "./answer.ts";
import {
  featuresOf,
  fetched,
  graphModel,
  started,
  taughtModel,
  type Answering,
  type Session,
} from "./answering.ts";
import { shrunk } from "./average.ts";
import { pngUri } from "./base64.ts";
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
import { png } from "./png.ts";
import { uriOf } from "./sight.ts";
import { TAUGHT } from "./taught.ts";
import { lessonsOf, type Nuisance } from "../teach/lessons.ts";
import type { Head } from "../teach/solve.ts";

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
  /** Of a model that can be taught more. */
  lessons?: string;
  features?: string;
}

interface Model {
  name: string;
  manifest: Manifest;
  answer: Answering;
  /** The addresses of what teaches it. */
  lessons: string | undefined;
  features: string | undefined;
}

/** What a model is taught by, once it is asked for. */
interface Teaching {
  session: Session;
  nuisance: Nuisance;
}

export type Question =
  | { kind: "list"; index: string }
  | { kind: "predict"; files: File[]; names: string[]; top: number }
  | { kind: "explain"; file: File; names: string[] }
  | { kind: "features"; file: File; name: string }
  | { kind: "taught"; of: string; taught: Renewed | null };

/** A model that was taught more: what it is called, its classes, and what answers. */
export interface Renewed {
  name: string;
  title: string;
  classes: string[];
  head: Head;
}

/** A reply to the request of that number; `early` ones come before the answer. */
export interface Reply {
  id: number;
  early?: ModelAnswers;
  answer?: unknown;
  error?: string;
}

let models: Model[] = [];
const teachings = new Map<string, Promise<Teaching>>(); // by model
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
  if (question.kind === "features") return features(question.file, question.name);
  if (question.kind === "taught") return taught(question.of, question.taught);
  return predict(question.files, question.names, question.top, early);
}

async function list(index: string): Promise<ModelInfo[]> {
  const listed = (await (await fetched(index)).json()) as Listed[];
  models = await Promise.all(
    listed.map(async ({ name, manifest, graph, lessons, features }) => ({
      name,
      manifest: (await (await fetched(new URL(manifest, index).href)).json()) as Manifest,
      answer: graphModel(await started(name, await fetched(new URL(graph, index).href))),
      lessons: lessons && new URL(lessons, index).href,
      features: features && new URL(features, index).href,
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

/** The features of the picture in a file, of a model that can be taught. */
async function features(file: File, name: string): Promise<Float32Array> {
  const { session, nuisance } = await teachingOf(name);
  const [first, ...more] = await decoded(file);
  if (more.length) throw new Error(`${file.name}: it contains several pictures.`);
  const found = await featuresOf(session, nuisance, first!.pixels, [first!.pixels.data]);
  return found.features[0]!;
}

/** Answer with a model that was taught, or no longer. */
async function taught(of: string, taught: Renewed | null): Promise<null> {
  const from = models.find(({ name }) => name === of)!;
  const { session, nuisance } = await teachingOf(of);
  models = models.filter(({ name }) => name !== `${of}${TAUGHT}`);
  if (!taught) return null;
  const { name, title, classes, head } = taught;
  // A model that knows blank pictures as a class gives them a score like others.
  const data = new Uint8Array(1024).fill(255);
  const paper = { width: 32, height: 32, channels: 1, data } as const;
  const { oodScores } = await from.answer(paper, [paper.data]);
  models.push({
    name,
    manifest: { ...from.manifest, title, classes, trust: head.trust, cost: [] },
    answer: taughtModel(session, nuisance, head, oodScores[0]! < NOTHING_DRAWN),
    lessons: undefined,
    features: undefined,
  });
  return null;
}

function teachingOf(name: string): Promise<Teaching> {
  const known = teachings.get(name);
  if (known) return known;
  const { features, lessons } = models.find((model) => model.name === name)!;
  const made = (async () => ({
    session: await started(name, await fetched(features!)),
    nuisance: lessonsOf(await (await fetched(lessons!)).arrayBuffer()).nuisance,
  }))();
  teachings.set(name, made);
  made.catch(() => teachings.delete(name));
  return made;
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
  for (const { name, manifest, answer } of chosen(names)) {
    const began = performance.now();
    const answers = [];
    for (const picture of pictures) {
      const found = await answer(picture.pixels, [picture.pixels.data]);
      const { classes } = manifest;
      const trust = thresholdsOf(manifest.trust);
      const [shares, ood] = [found.probabilities, found.oodScores[0]!];
      answers.push(answerOf(picture.name, shares, ood, classes, trust, top, manifest.cost));
      if (pictures.length === 1 && found.prepared) {
        const { side, channels } = manifest.preparation;
        const uri = uriOf(found.prepared, side, channels);
        sights.push({ model: name, picture: uri, size: side });
      }
    }
    const milliseconds = performance.now() - began;
    const one = { model: name, milliseconds, together: false, answers, drifted: false };
    early(one);
    said.push(one);
  }
  const given = pictures.map(({ pixels, label, several }) => ({
    label: label ?? null,
    picture: several ? pngUri(png(pixels)) : null,
  }));
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
  for (const { name, manifest, answer } of chosen(names)) {
    const shares = Array.from((await answer(picture, [picture.data])).probabilities);
    const best = shares.indexOf(Math.max(...shares));
    const copies = [...covered(picture)];
    const drops: number[] = [];
    while (drops.length < copies.length) {
      const some = copies.slice(drops.length, drops.length + COVERED_AT_ONCE);
      const without = (await answer(picture, some)).probabilities;
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

function chosen(names: readonly string[]): Model[] {
  return models.filter((model) => names.includes(model.name));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
