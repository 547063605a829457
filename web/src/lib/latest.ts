/** One request in flight; of the requests that arrive meanwhile only the newest is sent next.
 *
 * So answers keep up with a pen however slow a model is: outdated requests are never sent.
 */
export class Latest<Question> {
  #next: { question: Question } | null = null;
  #busy = false;

  constructor(readonly ask: (question: Question) => Promise<void>) {}

  put(question: Question): void {
    this.#next = { question };
    if (!this.#busy) void this.#work();
  }

  /** Drop the waiting request; the one in flight completes. */
  drop(): void {
    this.#next = null;
  }

  /** Whether a newer request waits. */
  get waits(): boolean {
    return this.#next !== null;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#next) {
        const { question } = this.#next;
        this.#next = null;
        await this.ask(question);
      }
    } finally {
      this.#busy = false;
    }
  }
}
