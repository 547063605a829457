/** Follows a run: its events, applied in batches, and the time left. */
import { events, Refused, type RunEvent } from "./api.ts";
import { follow, NOTHING, secondsLeft, shownLeft, type Progress } from "./progress.ts";

const TOGETHER = 200; // ms of events that are applied together
const AGAIN = 3000; // ms until a lost connection is retried
const TICK = 1000; // ms between steps of the countdown

export class Following {
  progress = $state.raw<Progress>(NOTHING);
  /** Seconds left to show; null if unknown. */
  left = $state<number | null>(null);
  /** Whether the server does not respond at the moment; retries go on. */
  lost = $state(false);
  /** An error that makes retries pointless. */
  problem = $state.raw<unknown>();

  #came = 0; // performance.now() of the last events
  #ticked = 0;

  constructor(readonly run: string) {}

  /** Follow until the run ends or the signal aborts. May be called again, as after a resume. */
  async start(signal: AbortSignal): Promise<void> {
    const ticking = setInterval(() => this.#tick(), TICK);
    this.left = null;
    try {
      while (!signal.aborted && !(await this.#listen(signal)))
        await new Promise((done) => setTimeout(done, AGAIN));
    } finally {
      clearInterval(ticking);
    }
  }

  /** Read the run from its first event; true once no more events will arrive. */
  async #listen(signal: AbortSignal): Promise<boolean> {
    let progress = NOTHING; // the old state stays visible until the first events arrive
    let waiting: RunEvent[] = [];
    let showing: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      showing = undefined;
      if (signal.aborted || !waiting.length) return;
      this.progress = progress = follow(progress, waiting);
      waiting = [];
      this.#came = performance.now();
      this.#tick();
    };
    try {
      let last = "";
      for await (const event of events(this.run, signal)) {
        this.lost = false;
        waiting.push(event);
        last = event.event;
        showing ??= setTimeout(show, TOGETHER);
      }
      return last === "run finished" || last === "run stopped";
    } catch (error) {
      if (signal.aborted) return true;
      if (error instanceof Refused && error.status >= 400 && error.status < 500) {
        this.problem = error;
        return true;
      }
      this.lost = true;
      return false;
    } finally {
      clearTimeout(showing);
      show();
    }
  }

  #tick(): void {
    const now = performance.now();
    const estimate = secondsLeft(this.progress);
    if (estimate === null) this.left = null;
    else {
      const since = (now - this.#came) / 1000;
      this.left = shownLeft(this.left, Math.max(0, estimate - since), (now - this.#ticked) / 1000);
    }
    this.#ticked = now;
  }
}
