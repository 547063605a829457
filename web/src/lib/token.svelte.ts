/** The reader's token for a protected server. */

const KEY = "bakeoff-token"; // kept by this tab until it is closed

class Token {
  /** Whether the server refused a request without a valid token. */
  wanted = $state(false);

  get value(): string | null {
    return sessionStorage.getItem(KEY);
  }

  /** Keep it until the tab is closed. */
  give(text: string): void {
    sessionStorage.setItem(KEY, text.trim());
    this.wanted = false;
  }
}

export const token = new Token();
