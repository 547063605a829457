/** The set of this server that a run was trained on, whose pictures can be deleted. */
import { get, type Schema } from "./api.ts";
import type { Run } from "./run.ts";

const known = new WeakMap<Run, Promise<string | null>>();

/** Its name; null if the pictures are elsewhere, or the server does not say. */
export function ownSet(run: Run): Promise<string | null> {
  let found = known.get(run);
  if (!found) {
    found = get<Schema["OwnSet"]>(`/api/runs/${encodeURIComponent(run.name)}/set`).then(
      ({ set }) => set,
      () => null,
    );
    known.set(run, found);
  }
  return found;
}
