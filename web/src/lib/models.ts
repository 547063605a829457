/** Models that can be asked, wherever they run: behind a server, or in this browser. */
import type { Schema } from "./api.ts";

export type ModelInfo = Schema["ModelInfo"];
export type ModelAnswers = Schema["ModelAnswers"];
export type PictureAnswer = Schema["PictureAnswer"];
export type LeftOut = Schema["Refusal"];
export type Explanations = Schema["Explanations"];

/** What all models say of all pictures, and what could not be read. */
export interface Predictions {
  models: ModelAnswers[];
  left_out: LeftOut[];
}

export type Seen = { models: { model: string; picture: string; size: number }[] };

export interface Models {
  /** Those of a run where one is named; else those that were named to the server. */
  list(run?: string): Promise<ModelInfo[]>;
  /** What each model says of each picture; files may be pictures, tables of pixels, zips. */
  predict(files: File[], names: string[], top: number, signal?: AbortSignal): Promise<Predictions>;
  /** What each model is given of one picture. */
  seen(file: File, names: string[], signal?: AbortSignal): Promise<Seen>;
  /** Why each model answers so, of one picture. */
  explain(file: File, names: string[], signal?: AbortSignal): Promise<Explanations>;
}
