/** Teaching a model of this page more: its pictures, what was learned, and how well. */
import { zipSync } from "fflate";
import { t } from "../lib/language.svelte.ts";
import type { LocalModels } from "../lib/local.ts";
import { TAUGHT } from "../lib/taught.ts";
import { Collection, forgetClasses } from "../rooms/train/collection.svelte.ts";
import { fileOf, TaughtPictures } from "./taught-pictures.ts";
import type { Score } from "./solve.ts";
import type { Report, Task } from "./teach.worker.ts";

/** What was learned last. */
export interface Learned {
  score: Score;
  /** The classes with their scores: those of the model, then new ones. */
  classes: { label: string; score: Score }[];
  /** What it was learned from; differs from `Teacher.wanted` after a change. */
  from: string;
}

export class Teacher {
  readonly collection: Collection;
  readonly pictures: TaughtPictures;
  /** The title of the model that is taught. */
  title = $state("");
  /** The model's own classes, and how many pictures it learned of each. */
  own = $state.raw<{ label: string; count: number }[]>([]);
  /** The share of the work that is done; null while nothing is learned. */
  progress = $state<number | null>(null);
  learned = $state.raw<Learned | null>(null);
  problem = $state.raw<unknown>(null);
  readonly #models: LocalModels;
  readonly #features = new Map<string, Float32Array>();
  #worker: Worker | undefined;
  #opened: Promise<void> | undefined;

  /** `name` is the model's in models.json, `lessons` the address of what it learned from. */
  constructor(
    models: LocalModels,
    readonly name: string,
    readonly lessons: string,
  ) {
    this.#models = models;
    const key = `${new URL(".", document.baseURI).pathname}${name}`;
    this.pictures = new TaughtPictures(key, async (id, file) => {
      this.#features.set(id, await models.features(file, name));
    });
    this.collection = new Collection(`taught-${key}`, this.pictures);
  }

  /** All that the pictures and their classes say, as long as they stay the same. */
  readonly wanted = $derived.by(() =>
    this.collection.pictures.map(({ id, label }) => `${id} ${label}`).join("\n"),
  );

  /** How many pictures have come, gone or moved since the last learning, at least one if any. */
  get changed(): boolean {
    return this.wanted !== (this.learned?.from ?? "");
  }

  /** Read what was kept, and learn it again. */
  open(): Promise<void> {
    this.#opened ??= this.#open();
    this.#opened.catch(() => (this.#opened = undefined));
    return this.#opened;
  }

  async #open(): Promise<void> {
    const model = (await this.#models.list()).find(({ name }) => name === this.name)!;
    // What is fetched now works offline later.
    await this.#models.taught(this.name, null);
    const { about } = await this.#ask({ kind: "about", lessons: this.lessons });
    this.title = model.title;
    this.own = model.classes.map((label, n) => ({ label, count: about!.counts[n] ?? 0 }));
    await this.collection.load();
    this.collection.classes = [...new Set([...model.classes, ...this.collection.classes])];
    if (this.collection.pictures.length) void this.learn();
  }

  /** Solve the model again with all pictures, and answer with it from then on. */
  async learn(): Promise<void> {
    if (this.progress !== null) return;
    const [pictures, from] = [this.collection.pictures, this.wanted];
    [this.progress, this.problem] = [0, null];
    try {
      if (!pictures.length) {
        await this.#models.taught(this.name, null);
        this.learned = null;
        return;
      }
      const known = this.own.map(({ label }) => label);
      const used = new Set(pictures.map(({ label }) => label));
      const fresh = this.collection.classes.filter((one) => used.has(one) && !known.includes(one));
      const classes = [...known, ...fresh];
      const added = [];
      for (const { id, label } of pictures)
        added.push({ features: await this.#featuresOf(id), label: classes.indexOf(label) });
      const { taught } = await this.#ask(
        { kind: "teach", lessons: this.lessons, added, classes: classes.length },
        (progress) => (this.progress = progress),
      );
      const { head, score, classes: scores } = taught!;
      const title = t("teach.modelTitle", { title: this.title });
      const model = { name: `${this.name}${TAUGHT}`, title, classes, head };
      await this.#models.taught(this.name, model, score.right / score.pictures);
      this.learned = {
        score,
        classes: classes.map((label, n) => ({ label, score: scores[n]! })),
        from,
      };
    } catch (error) {
      this.problem = error;
    } finally {
      this.progress = null;
    }
  }

  /** Remove all pictures and classes that were added, and the model. */
  async forget(): Promise<void> {
    for (const { id } of this.collection.pictures) await this.pictures.remove(id);
    forgetClasses(this.collection.name);
    [this.collection.steps, this.collection.pictures] = [[], []];
    this.collection.classes = this.own.map(({ label }) => label);
    await this.learn();
  }

  /** A zip with a folder for each class, as `bakeoff run` reads it. */
  zip(): Blob {
    const files = this.collection.pictures.map(({ id, label }, n) => {
      const { name, bytes } = this.pictures.file(id);
      const [, ending = "png"] = /\.(\w+)$/.exec(name) ?? [];
      return [`${label}/${String(n + 1).padStart(4, "0")}.${ending}`, new Uint8Array(bytes)];
    });
    const packed = zipSync(Object.fromEntries(files), { level: 0 }); // they are packed already
    return new Blob([packed as Uint8Array<ArrayBuffer>], { type: "application/zip" });
  }

  async #featuresOf(id: string): Promise<Float32Array> {
    const known = this.#features.get(id);
    if (known) return known;
    const found = await this.#models.features(fileOf(this.pictures.file(id)), this.name);
    this.#features.set(id, found);
    return found;
  }

  /** One task after the other: `open` and `learn` wait for each other. */
  #ask(task: Task, progress?: (share: number) => void): Promise<Report> {
    this.#worker ??= new Worker(new URL("./teach.worker.ts", import.meta.url), { type: "module" });
    const worker = this.#worker;
    return new Promise((done, fail) => {
      worker.onmessage = ({ data }: MessageEvent<Report>) => {
        if (data.progress !== undefined) progress?.(data.progress);
        else if (data.error !== undefined) fail(new Error(data.error));
        else done(data);
      };
      worker.onerror = () => fail(new Error(t("teach.cannotStart")));
      worker.postMessage(task);
    });
  }
}
