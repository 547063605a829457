/** A few pictures of a named set that is on the server's machine. */
import { get } from "./api.ts";
import type { Example } from "./models.ts";

/** At most eight, of different classes; none if they cannot be read. */
export function examplesOf(set: string): Promise<Example[]> {
  return get<Example[]>(`/api/training/sets/${encodeURIComponent(set)}/examples`).catch(() => []);
}
