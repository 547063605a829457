/** Watches a study: polls it until its search is finished. */
import { Refused } from "../../lib/api.ts";
import type { StudyShelf } from "../../lib/page.ts";
import { plain, type StudyView } from "./study.ts";

const AGAIN = 2000; // ms

export class Watching {
  view = $state.raw<StudyView>();
  /** Whether the server does not respond at the moment; retries go on. */
  lost = $state(false);
  /** An error that makes retries pointless. */
  problem = $state.raw<unknown>();

  constructor(
    readonly shelf: StudyShelf,
    readonly name: string,
  ) {}

  /** Watch until the search is finished or the signal aborts. Interrupted ones may be resumed. */
  async start(signal: AbortSignal): Promise<void> {
    this.problem = undefined;
    let known = "";
    while (!signal.aborted) {
      try {
        const line = (await this.shelf.list()).find((one) => one.name === this.name);
        const now = `${line?.state} ${line?.changed}`;
        if (now !== known || !line) {
          const view = plain(await this.shelf.open(this.name));
          if (signal.aborted) return;
          [this.view, known] = [view, now];
        }
        this.lost = false;
        if (!this.shelf.live || this.view?.state === "finished") return;
      } catch (error) {
        if (signal.aborted) return;
        const gone = error instanceof Refused && error.status >= 400 && error.status < 500;
        if (gone || !this.view) {
          this.problem = error;
          return;
        }
        this.lost = true;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
