/** One question in flight; of what comes meanwhile only the newest is asked next.
 *
 * So answers keep up with a pen however slow a model is: what is old by now is never asked.
 */
export class Latest<Question> {
  #next: { question: Question } | null = null;
  #busy = false;

  constructor(readonly ask: (question: Question) => Promise<void>) {}

  put(question: Question): void {
    this.#next = { question };
    if (!this.#busy) void this.#work();
  }

  /** Forget what waits; what is in flight comes to its end. */
  drop(): void {
    this.#next = null;
  }

  /** Whether something newer waits. */
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
