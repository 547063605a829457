/** What was dropped or chosen, as files with the folders they lie in. */

/** A file and where it lay: `cat/1.png`. */
export interface Named {
  path: string;
  file: File;
}

/** What is needed of a FileSystemEntry, which a browser hands out on a drop. */
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

const LITTER = new Set(["thumbs.db", "desktop.ini", "__macosx"]);

/** All files of what was dropped, folders with all that is below them, by path. */
export async function walk(entries: readonly Entry[]): Promise<Named[]> {
  const found: Named[] = [];
  for (const entry of entries) {
    if (isLitter(entry.name)) continue;
    if (entry.isFile)
      found.push({
        path: entry.fullPath.replace(/^\//, ""),
        file: await fileOf(entry as FileEntry),
      });
    else if (entry.isDirectory) found.push(...(await walk(await within(entry as FolderEntry))));
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What a file chooser gives; one for folders says where each file lay. */
export function chosen(files: Iterable<File>): Named[] {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => !path.split("/").some(isLitter));
}

/** A name for the set: that of the one folder or file, made of what a name may hold. */
export function nameFor(files: readonly Named[]): string {
  const tops = new Set(files.map(({ path }) => path.split("/")[0]!));
  if (tops.size !== 1) return "pictures";
  const [top = ""] = tops;
  const plain = files.length === 1 ? top.replace(/\.[A-Za-z0-9]{1,5}$/, "") : top;
  const name = plain
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}_ -]+/gu, " ")
    .replace(/ +/g, " ")
    .replace(/^[ -]+/, "")
    .trim();
  return name.slice(0, 60) || "pictures";
}

/** Why a text can not be the name of a set; null if it can. The server judges by the same rule. */
export function nameProblem(name: string, taken: readonly string[]): string | null {
  if (!name.trim()) return "Give it a name.";
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_ -]{0,59}$/u.test(name.trim()))
    return "Use letters, digits, spaces, _ and -, 60 at most, a letter or digit first.";
  if (taken.includes(name.trim())) return "There is a set of that name already.";
  return null;
}

function isLitter(name: string): boolean {
  return name.startsWith(".") || LITTER.has(name.toLowerCase());
}

function fileOf(entry: FileEntry): Promise<File> {
  return new Promise((done, fail) => entry.file(done, fail));
}

async function within(folder: FolderEntry): Promise<Entry[]> {
  const reader = folder.createReader();
  const found: Entry[] = [];
  for (;;) {
    // A hundred at a time; none is the end.
    const some = await new Promise<Entry[]>((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    found.push(...some);
  }
}
