/** Files that were dropped, pasted or chosen, with their paths. */

/** A file and its path: `cat/1.png`. */
export interface Named {
  path: string;
  file: File;
}

/** The part of FileSystemEntry that is used here. */
export interface Entry {
  isFile: boolean;
  isDirectory: boolean;
  name: string;
  fullPath: string;
}

interface FileEntry extends Entry {
  file(done: (file: File) => void, fail: (error: unknown) => void): void;
}

interface FolderEntry extends Entry {
  createReader(): {
    readEntries(done: (entries: Entry[]) => void, fail: (error: unknown) => void): void;
  };
}

const paths = new WeakMap<File, string>();

/** A file's path, `cat/1.png`, if it came with its folder; else its name. */
export function pathOf(file: File): string {
  return paths.get(file) ?? (file.webkitRelativePath || file.name);
}

/** A file that came without a path, under one. */
export function withPath(file: File, path: string): File {
  paths.set(file, path);
  return file;
}

/** The names under which to show files: paths where names repeat. */
export function shownNames(files: readonly File[]): Map<File, string> {
  const uses = new Map<string, number>();
  for (const { name } of files) uses.set(name, (uses.get(name) ?? 0) + 1);
  return new Map(files.map((file) => [file, uses.get(file.name) === 1 ? file.name : pathOf(file)]));
}

const LITTER = new Set(["thumbs.db", "desktop.ini", "__macosx"]);

/** Files that were dropped or pasted, including those in dropped folders. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  return (await namedFilesOf(data)).map(({ file }) => file);
}

/** The same with their paths. */
export async function namedFilesOf(data: DataTransfer): Promise<Named[]> {
  // All before the first await: the browser clears the list then.
  const items = [...data.items].filter((one) => one.kind === "file");
  const entries = items.map(
    (item) => [item.webkitGetAsEntry?.() ?? null, item.getAsFile()] as const,
  );
  const found = await Promise.all(
    entries.map(([entry, file]) =>
      entry?.isDirectory ? walk([entry]) : file ? [{ path: file.name, file }] : [],
    ),
  );
  return found.flat();
}

/** All files of the entries and of the folders among them, sorted by path. */
export async function walk(entries: readonly Entry[]): Promise<Named[]> {
  const found: Named[] = [];
  for (const entry of entries) {
    if (isLitter(entry.name)) continue;
    if (entry.isFile) {
      const named = {
        path: entry.fullPath.replace(/^\//, ""),
        file: await fileOf(entry as FileEntry),
      };
      paths.set(named.file, named.path);
      found.push(named);
    } else if (entry.isDirectory) found.push(...(await walk(await within(entry as FolderEntry))));
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether a file or folder is one that operating systems leave behind. */
export function isLitter(name: string): boolean {
  return name.startsWith(".") || LITTER.has(name.toLowerCase());
}

function fileOf(entry: FileEntry): Promise<File> {
  return new Promise((done, fail) => entry.file(done, fail));
}

async function within(folder: FolderEntry): Promise<Entry[]> {
  const reader = folder.createReader();
  const found: Entry[] = [];
  for (;;) {
    // A browser returns a hundred at a time, and none at the end.
    const batch = await new Promise<Entry[]>((done, fail) => reader.readEntries(done, fail));
    if (!batch.length) return found;
    found.push(...batch);
  }
}
