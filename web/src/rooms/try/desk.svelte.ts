/** The current picture and every model's answer, updated live with the newest drawing first. */
import { Latest } from "../../lib/latest.ts";
import type {
  ModelAnswers,
  ModelExplanation,
  Models,
  PictureAnswer,
  Predictions,
} from "../../lib/models.ts";

const TOP = 12; // classes whose bars are shown
// The models' inputs are requested when the pen rests, as that runs the models again; and now and
// then while it does not, as a camera never rests.
const INPUTS_AFTER = 150; // ms without an answer
const INPUTS_EVERY = 1000; // ms since the last request
const WHY_AFTER = 350; // ms without drawing before explanations are computed

/** One model's answer, and how long it took, alone or together with all others. */
export interface Said {
  answer: PictureAnswer;
  milliseconds: number;
  together?: boolean;
}

interface Question {
  picture: () => Promise<File>;
  watch: boolean;
}

type ByModel<Value> = Readonly<Record<string, Value>>;

export class Desk {
  /** By model; empty when there is no picture. */
  said = $state.raw<ByModel<Said>>({});
  inputs = $state.raw<ByModel<string>>({});
  explanations = $state.raw<ByModel<ModelExplanation>>({});
  /** The error about the current picture; null if there is none. */
  problem = $state.raw<unknown>(null);
  /** How the file was read, where it could have been read otherwise. */
  notes = $state.raw<readonly string[]>([]);
  /** The models whose drift alarm was raised. */
  drifted = $state.raw<readonly string[]>([]);
  /** Whether an explanation is being computed. */
  explaining = $state(false);
  /** The picture that the answers belong to. */
  file = $state.raw<File | null>(null);

  readonly #queue: Latest<Question>;
  #why = false;
  #last: Question | null = null;
  #turn = 0; // counts pictures, to recognise answers to outdated ones
  #showing: ReturnType<typeof setTimeout> | undefined;
  #shown = -Infinity; // when the inputs were requested
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #request: AbortController | undefined;

  constructor(
    readonly models: Models,
    /** The models to ask. */
    public names: readonly string[],
  ) {
    this.#queue = new Latest((question) => this.#ask(question));
  }

  /** Whether every answer is explained. */
  set why(wanted: boolean) {
    if (wanted === this.#why) return;
    this.#why = wanted;
    if (wanted && this.file) this.#explainAfter(0);
    if (!wanted) this.#forgetExplanations();
  }

  /**
   * Predict for a picture, which is only made when its turn comes. The drift alarm does not count
   * unfinished ones: the strokes of a drawing, or what the camera sees.
   */
  ask(picture: () => Promise<File>, state: "finished" | "unfinished" = "finished"): void {
    this.#turn++;
    const question = (this.#last = { picture, watch: state === "finished" });
    this.#forgetExplanations();
    this.#queue.put(question);
  }

  /** Ask these models from now on, also for the current picture. */
  change(names: readonly string[]): void {
    if (names.join("\n") === this.names.join("\n")) return;
    this.names = names;
    if (this.#last) this.ask(this.#last.picture, this.#last.watch ? "finished" : "unfinished");
  }

  /** Remove the picture and its answers. */
  clear(): void {
    this.#turn++;
    this.#last = null;
    this.#queue.drop();
    this.#forgetExplanations();
    clearTimeout(this.#showing);
    [this.said, this.inputs, this.problem, this.file] = [{}, {}, null, null];
    this.notes = [];
  }

  /** Show known answers to a picture that is not available itself. */
  show(said: ByModel<Said>): void {
    this.clear();
    this.said = said;
  }

  async #ask({ picture, watch }: Question): Promise<void> {
    const turn = this.#turn;
    // During drawing an answer to the stroke before last is better than none.
    const wanted = () => turn === this.#turn || this.#queue.waits;
    try {
      const file = await picture();
      if (!this.names.length) {
        if (turn === this.#turn) this.file = file;
        return;
      }
      const early = (one: ModelAnswers) => {
        if (wanted()) this.said = { ...this.said, ...byModel([one]) };
      };
      const names = [...this.names];
      const found = await this.models.predict([file], names, TOP, undefined, early, watch);
      this.drifted = driftedIn(found);
      if (!wanted()) return;
      [this.said, this.file, this.problem] = [byModel(found.models), file, failure(found)];
      this.notes = found.notes ?? [];
      this.#showInputsSoon();
      if (this.#why && turn === this.#turn) this.#explainAfter(WHY_AFTER);
    } catch (error) {
      if (turn === this.#turn) [this.said, this.inputs, this.problem] = [{}, {}, error];
    }
  }

  #showInputsSoon(): void {
    clearTimeout(this.#showing);
    const left = INPUTS_EVERY - (performance.now() - this.#shown);
    const wait = Math.min(INPUTS_AFTER, Math.max(0, left));
    this.#showing = setTimeout(() => void this.#showInputs(), wait);
  }

  async #showInputs(): Promise<void> {
    this.#shown = performance.now();
    const turn = this.#turn;
    const { file } = this;
    if (!file) return;
    const found = await this.models.seen(file, [...this.names]).catch(() => null);
    if (!found || (turn !== this.#turn && !this.file)) return;
    this.inputs = Object.fromEntries(found.models.map((model) => [model.model, model.picture]));
  }

  #explainAfter(milliseconds: number): void {
    clearTimeout(this.#waiting);
    this.explaining = true;
    this.#waiting = setTimeout(() => void this.#explain(), milliseconds);
  }

  async #explain(): Promise<void> {
    const { file } = this;
    if (!file) return;
    const request = (this.#request = new AbortController());
    try {
      const found = await this.models.explain(file, [...this.names], request.signal);
      if (request.signal.aborted) return;
      this.explanations = Object.fromEntries(found.models.map((model) => [model.model, model]));
    } catch (error) {
      if (!request.signal.aborted) this.problem = error;
    } finally {
      if (this.#request === request) this.explaining = false;
    }
  }

  #forgetExplanations(): void {
    clearTimeout(this.#waiting);
    this.#request?.abort();
    this.explaining = false;
    if (Object.keys(this.explanations).length) this.explanations = {};
  }
}

/** Why some models gave no answer, in one error; null if all did. */
function failure({ failed = [] }: Predictions): Error | null {
  if (!failed.length) return null;
  return new Error(failed.map(({ model, problem }) => `${model}: ${problem}`).join(" "));
}

/** The models whose drift alarm was raised; servers up to 0.1 have none. */
export function driftedIn({ models }: Predictions): string[] {
  return models.filter(({ drifted }) => drifted).map(({ model }) => model);
}

/** Each model's answer to the picture in that row. */
export function byModel(models: readonly ModelAnswers[], row = 0): ByModel<Said> {
  return Object.fromEntries(
    models.flatMap(({ model, milliseconds, together, answers }) => {
      const answer = answers[row];
      return answer ? [[model, { answer, milliseconds, together }]] : [];
    }),
  );
}
