/** Files that were dropped or pasted, those in dropped folders too. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  // All at once: the list is gone as soon as one waits.
  const given = [...data.items].filter((one) => one.kind === "file");
  const entries = given.map((one) => [one.webkitGetAsEntry?.() ?? null, one.getAsFile()] as const);
  const found = await Promise.all(
    entries.map(([entry, file]) => (entry?.isDirectory ? within(entry) : file ? [file] : [])),
  );
  return found.flat();
}

async function within(entry: FileSystemEntry): Promise<File[]> {
  if (entry.name.startsWith(".") || entry.name === "__MACOSX") return [];
  if (entry.isFile) {
    return [
      await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail)),
    ];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    // A hundred at a time, until there are none.
    const some = await new Promise<FileSystemEntry[]>((done, fail) =>
      reader.readEntries(done, fail),
    );
    if (!some.length) return found;
    for (const one of some) found.push(...(await within(one)));
  }
}
