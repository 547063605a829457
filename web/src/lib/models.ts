/** Models, wherever they run: behind a server or in this browser. */
import type { Schema } from "./api.ts";

export type ModelInfo = Schema["ModelInfo"];
export type ModelAnswers = Schema["ModelAnswers"];
export type PictureAnswer = Schema["PictureAnswer"];
export type ModelExplanation = Schema["ModelExplanation"];
export type GivenPicture = Schema["GivenPicture"];
export type LeftOut = Schema["LeftOut"];

/** The approach of a model by its name: a server of several runs adds numbers, as in "cnn 2". */
export function approachOf(model: string): string {
  return model.split("/").at(-1)!.replace(/ \d+$/, "");
}

/** The answers of all models to all pictures, and the files that could not be read. */
export interface Predictions {
  models: ModelAnswers[];
  /** The models that gave no answer, and why; servers up to 0.1 tell of none. */
  failed?: Schema["FailedModel"][];
  left_out: LeftOut[];
  /** What the files say of each picture; servers up to 0.1 return none. */
  pictures?: GivenPicture[];
  /** How something was read that could have been read otherwise; servers up to 0.1 return none. */
  notes?: string[];
}

export interface Explanations {
  models: ModelExplanation[];
}

/** Each model's input for a picture: a square of `size` pixels, as a data URI. */
export interface Seen {
  models: { model: string; picture: string; size: number }[];
}

/** A picture of a run, to try its models on. */
export type Example = Schema["Example"];

/** A store for pictures with their true class. */
export interface Keeper {
  /** Names of the sets that accept pictures; null if the server keeps none. */
  sets(): Promise<string[] | null>;
  /** Add a picture, byte for byte, to a set, which is created if needed. */
  keep(set: string, picture: File, label: string, group: string): Promise<Kept>;
  /** Remove it again. */
  forget(kept: Kept): Promise<void>;
}

/** A picture that was kept; `pictures` is the size of its set, if known. */
export interface Kept {
  set: string;
  id: string;
  label: string;
  pictures: number | null;
}

/** Called with the answers of one model before the others are done. */
export type Early = (one: ModelAnswers) => void;

export interface Models {
  readonly keeper: Keeper | null;
  /** The models of a run, or the models that the server was started with. */
  list(run?: string): Promise<ModelInfo[]>;
  /** Pictures to try: of a run, or those that came with the page; none if there are none. */
  examples(run?: string): Promise<Example[]>;
  /**
   * Each model's answer to each picture; files may be pictures, tables of pixels or zips. `watch`:
   * whether the drift alarm of a server counts them.
   */
  predict(
    files: File[],
    names: string[],
    top: number,
    signal?: AbortSignal,
    early?: Early,
    watch?: boolean,
  ): Promise<Predictions>;
  /** Each model's input for one picture; null where it is not available. */
  seen(file: File, names: string[], signal?: AbortSignal): Promise<Seen | null>;
  /** Why each model answers as it does, for one picture. */
  explain(file: File, names: string[], signal?: AbortSignal): Promise<Explanations>;
}
