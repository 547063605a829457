/** Where the pictures of a set are kept: on the server, unless a room keeps them elsewhere. */
import { getContext, setContext } from "svelte";
import {
  addPicture,
  findSet,
  listPictures,
  movePictures,
  openSet,
  originalOf,
  pictureBlob,
  removePicture,
  type SetSummary,
} from "./sets.ts";

export interface Kept {
  id: string;
  label: string;
  group?: string | null;
}

export interface PictureStore {
  /** What is known of the set as a whole, if anything, and its pictures. */
  load(): Promise<{ summary: SetSummary | null; pictures: Kept[] }>;
  /** What is known of the set as a whole after a change. */
  summary(): Promise<SetSummary | null>;
  add(label: string, group: string, file: Blob): Promise<Kept>;
  /** Give pictures another class; they are returned with their new ids, in the given order. */
  move(ids: readonly string[], label: string): Promise<Kept[]>;
  remove(id: string): Promise<void>;
  /** The file of a picture, as it was given. */
  original(id: string): Promise<Blob>;
  /** The picture, to show it. */
  shown(id: string, signal: AbortSignal): Promise<Blob>;
}

export function served(set: string): PictureStore {
  return {
    async load() {
      const summary = await findSet(set);
      const out = new Set(summary?.left_out.map((file) => file.subject));
      const pictures = summary?.editable ? await listPictures(set) : [];
      return { summary, pictures: pictures.filter((picture) => !out.has(picture.id)) };
    },
    summary: () => openSet(set),
    add: (label, group, file) => addPicture(set, label, group, file),
    move: (ids, label) => movePictures(set, ids, label),
    remove: (id) => removePicture(set, id),
    original: (id) => originalOf(set, id),
    shown: (id, signal) => pictureBlob(set, id, signal),
  };
}

const KEY = Symbol("pictures");

/** The components below show pictures of this store. */
export function provideStore(store: PictureStore): void {
  setContext(KEY, store);
}

export function useStore(): PictureStore | undefined {
  return getContext<PictureStore | undefined>(KEY);
}
