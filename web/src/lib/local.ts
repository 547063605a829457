/** Models in this browser. */
import type { Models } from "./models.ts";

export class LocalModels implements Models {
  readonly keeper = null;
  constructor(readonly index: string) {}
  list(): never {
    throw new Error(this.index);
  }
  predict(): never {
    throw new Error();
  }
  seen(): never {
    throw new Error();
  }
  explain(): never {
    throw new Error();
  }
}
