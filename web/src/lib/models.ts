/** Models that can be asked, wherever they run: behind a server, or in this browser. */
import type { Schema } from "./api.ts";

export type ModelInfo = Schema["ModelInfo"];
export type ModelAnswers = Schema["ModelAnswers"];
export type PictureAnswer = Schema["PictureAnswer"];
export type ModelExplanation = Schema["ModelExplanation"];
export type LeftOut = Schema["Refusal"];

/** What all models say of all pictures, and what could not be read. */
export interface Predictions {
  models: ModelAnswers[];
  left_out: LeftOut[];
}

export interface Explanations {
  models: ModelExplanation[];
}

/** What each model is given of a picture: a square of `size` pixels, as a data URI. */
export interface Seen {
  models: { model: string; picture: string; size: number }[];
}

/** Where pictures with their true class can be kept. */
export interface Keeper {
  /** Names of the sets that pictures can be put into; null where none may be kept. */
  sets(): Promise<string[] | null>;
  /** Put a picture (a data URI) into a set, which is made if there is none. */
  keep(set: string, picture: string, label: string, group: string): Promise<Kept>;
  /** Take it out again. */
  forget(kept: Kept): Promise<void>;
}

/** A picture that was kept; `pictures` is how many the set holds now, if that is known. */
export interface Kept {
  set: string;
  id: string;
  label: string;
  pictures: number | null;
}

/** Told what one model says as soon as it is known, before the others are done. */
export type Early = (one: ModelAnswers) => void;

export interface Models {
  readonly keeper: Keeper | null;
  /** Those of a run where one is named; else those that were named to the server. */
  list(run?: string): Promise<ModelInfo[]>;
  /** What each model says of each picture; files may be pictures, tables of pixels, zips. */
  predict(
    files: File[],
    names: string[],
    top: number,
    signal?: AbortSignal,
    early?: Early,
  ): Promise<Predictions>;
  /** What each model is given of one picture; null where that can not be known. */
  seen(file: File, names: string[], signal?: AbortSignal): Promise<Seen | null>;
  /** Why each model answers so, of one picture. */
  explain(file: File, names: string[], signal?: AbortSignal): Promise<Explanations>;
}
