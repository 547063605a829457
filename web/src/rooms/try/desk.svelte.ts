/** One picture on the desk, and what every model says of it: asked live, the newest first. */
import { Latest } from "../../lib/latest.ts";
import type { ModelAnswers, ModelExplanation, Models, PictureAnswer } from "../../lib/models.ts";

const TOP = 12; // classes whose bars are shown
const SIGHT_EVERY = 400; // ms between looks at what the models see: each asks them once more
const WHY_AFTER = 350; // ms of rest until an explanation is worth its time

/** What one model says, and in how many milliseconds. */
export interface Said {
  answer: PictureAnswer;
  milliseconds: number;
}

type ByModel<Thing> = Readonly<Record<string, Thing>>;

export class Desk {
  /** By model; empty when there is no picture. */
  said = $state.raw<ByModel<Said>>({});
  sights = $state.raw<ByModel<string>>({});
  reasons = $state.raw<ByModel<ModelExplanation>>({});
  /** Of the picture that is asked about; null when nothing could be said of it. */
  problem = $state.raw<unknown>(null);
  /** Whether an explanation is on its way. */
  wondering = $state(false);
  /** The picture that the answers are about. */
  file = $state.raw<File | null>(null);

  readonly #asked: Latest<() => Promise<File>>;
  #why = false;
  #turn = 0; // counts pictures, so that an answer about an old one is known
  #looking: ReturnType<typeof setTimeout> | undefined;
  #resting: ReturnType<typeof setTimeout> | undefined;
  #explaining: AbortController | undefined;

  constructor(
    readonly models: Models,
    readonly names: string[],
  ) {
    this.#asked = new Latest((picture) => this.#ask(picture));
  }

  /** Whether every answer is to be explained. */
  set why(wanted: boolean) {
    if (wanted === this.#why) return;
    this.#why = wanted;
    if (wanted && this.file) this.#rest(0);
    if (!wanted) this.#forgetReasons();
  }

  /** Ask about a picture, which is only made when its turn has come. */
  ask(picture: () => Promise<File>): void {
    this.#turn++;
    this.#forgetReasons();
    this.#asked.put(picture);
  }

  /** An empty desk. */
  clear(): void {
    this.#turn++;
    this.#asked.drop();
    this.#forgetReasons();
    clearTimeout(this.#looking);
    this.#looking = undefined;
    [this.said, this.sights, this.problem, this.file] = [{}, {}, null, null];
  }

  /** Show answers that are known already, of a picture that is not at hand. */
  show(said: ByModel<Said>): void {
    this.clear();
    this.said = said;
  }

  async #ask(picture: () => Promise<File>): Promise<void> {
    const turn = this.#turn;
    // While one draws, an answer to the last but one line is better than none.
    const wanted = () => turn === this.#turn || this.#asked.waits;
    try {
      const file = await picture();
      const found = await this.models.predict([file], this.names, TOP, undefined, (one) => {
        if (wanted()) this.said = { ...this.said, ...byModel([one]) };
      });
      if (!wanted()) return;
      [this.said, this.file, this.problem] = [byModel(found.models), file, null];
      this.#looking ??= setTimeout(() => this.#look(), SIGHT_EVERY);
      if (this.#why && turn === this.#turn) this.#rest(WHY_AFTER);
    } catch (error) {
      if (turn === this.#turn) [this.said, this.sights, this.problem] = [{}, {}, error];
    }
  }

  async #look(): Promise<void> {
    this.#looking = undefined;
    const turn = this.#turn;
    const { file } = this;
    if (!file) return;
    const found = await this.models.seen(file, this.names).catch(() => null);
    if (!found || (turn !== this.#turn && !this.file)) return;
    this.sights = Object.fromEntries(found.models.map((one) => [one.model, one.picture]));
  }

  #rest(milliseconds: number): void {
    clearTimeout(this.#resting);
    this.wondering = true;
    this.#resting = setTimeout(() => void this.#explain(), milliseconds);
  }

  async #explain(): Promise<void> {
    const { file } = this;
    if (!file) return;
    const explaining = (this.#explaining = new AbortController());
    try {
      const found = await this.models.explain(file, this.names, explaining.signal);
      if (explaining.signal.aborted) return;
      this.reasons = Object.fromEntries(found.models.map((one) => [one.model, one]));
    } catch (error) {
      if (!explaining.signal.aborted) this.problem = error;
    } finally {
      if (this.#explaining === explaining) this.wondering = false;
    }
  }

  #forgetReasons(): void {
    clearTimeout(this.#resting);
    this.#explaining?.abort();
    this.wondering = false;
    if (Object.keys(this.reasons).length) this.reasons = {};
  }
}

/** What each model says of the picture in that row. */
export function byModel(models: readonly ModelAnswers[], row = 0): ByModel<Said> {
  return Object.fromEntries(
    models.flatMap(({ model, milliseconds, answers }) => {
      const answer = answers[row];
      return answer ? [[model, { answer, milliseconds }]] : [];
    }),
  );
}
