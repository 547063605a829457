/** What proves to a server that is open to others that this reader may ask. */

const KEY = "bakeoff-token"; // of this tab alone: gone when it is closed

class Token {
  /** Whether the server refused for want of it. */
  wanted = $state(false);

  get value(): string | null {
    return sessionStorage.getItem(KEY);
  }

  /** Remember it until the tab is closed. */
  give(text: string): void {
    sessionStorage.setItem(KEY, text.trim());
    this.wanted = false;
  }
}

export const token = new Token();
