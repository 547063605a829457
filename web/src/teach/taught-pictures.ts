/** Pictures that a visitor teaches, kept in the browser: IndexedDB, or only until the page is left. */
import type { Kept, PictureStore } from "../rooms/train/store.ts";

const DATABASE = "bakeoff-taught";
const PICTURES = "pictures";

interface Row {
  id: number;
  /** The model that it is for. */
  model: string;
  label: string;
  name: string;
  type: string;
  bytes: ArrayBuffer;
}

export class TaughtPictures implements PictureStore {
  readonly #database: Promise<IDBDatabase | null>;
  readonly #rows = new Map<string, Row>();

  /** `check` refuses a file that no model can read, by throwing; it gets the picture's new id. */
  constructor(
    readonly model: string,
    readonly check: (id: string, file: File) => Promise<void>,
  ) {
    this.#database = opened();
  }

  async load(): Promise<{ summary: null; pictures: Kept[] }> {
    for (const row of await this.#stored()) this.#rows.set(String(row.id), row);
    return { summary: null, pictures: [...this.#rows.values()].map(keptOf) };
  }

  async summary(): Promise<null> {
    return null;
  }

  async add(label: string, _group: string, blob: Blob): Promise<Kept> {
    const id = 1 + Math.max(Date.now() * 1000, ...[...this.#rows.values()].map((row) => row.id));
    const name = blob instanceof File ? blob.name : "picture";
    const [type, bytes] = [blob.type, await blob.arrayBuffer()];
    await this.check(String(id), new File([bytes], name, { type }));
    const row = { id, model: this.model, label, name, type, bytes };
    await this.#change((store) => store.put(row));
    this.#rows.set(String(id), row);
    return keptOf(row);
  }

  async move(ids: readonly string[], label: string): Promise<Kept[]> {
    const moved = ids.map((id) => ({ ...this.#row(id), label }));
    for (const row of moved) {
      await this.#change((store) => store.put(row));
      this.#rows.set(String(row.id), row);
    }
    return moved.map(keptOf);
  }

  async remove(id: string): Promise<void> {
    await this.#change((store) => store.delete(this.#row(id).id));
    this.#rows.delete(id);
  }

  async original(id: string): Promise<File> {
    return fileOf(this.file(id));
  }

  async shown(id: string): Promise<File> {
    return fileOf(this.file(id));
  }

  file(id: string): Readonly<Row> {
    return this.#row(id);
  }

  #row(id: string): Row {
    const row = this.#rows.get(id);
    if (!row) throw new Error(`There is no picture ${id}.`);
    return row;
  }

  async #stored(): Promise<Row[]> {
    const database = await this.#database;
    if (!database) return [];
    const all: Row[] = await done(database.transaction(PICTURES).objectStore(PICTURES).getAll());
    return all.filter(({ model }) => model === this.model).sort((a, b) => a.id - b.id);
  }

  async #change(change: (store: IDBObjectStore) => IDBRequest): Promise<void> {
    const database = await this.#database;
    if (!database) return;
    await done(change(database.transaction(PICTURES, "readwrite").objectStore(PICTURES)));
  }
}

export function fileOf({ bytes, name, type }: Pick<Row, "bytes" | "name" | "type">): File {
  return new File([bytes], name, { type });
}

/** Null where the browser keeps nothing, as in some private windows. */
async function opened(): Promise<IDBDatabase | null> {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(PICTURES, { keyPath: "id" });
    return await done(request);
  } catch {
    return null;
  }
}

function done<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("The browser cannot store this."));
  });
}

function keptOf({ id, label }: Row): Kept {
  return { id: String(id), label };
}
