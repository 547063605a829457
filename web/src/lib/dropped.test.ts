import { describe, expect, it } from "vitest";
import { pathOf, shownNames, walk, type Entry } from "./dropped.ts";

function file(fullPath: string): Entry {
  const name = fullPath.split("/").at(-1)!;
  return {
    isFile: true,
    isDirectory: false,
    name,
    fullPath,
    file: (done: (file: File) => void) => done(new File(["x"], name)),
  } as Entry;
}

/** A folder that hands out two entries at a time, as browsers hand out a hundred. */
function folder(fullPath: string, ...inside: Entry[]): Entry {
  return {
    isFile: false,
    isDirectory: true,
    name: fullPath.split("/").at(-1)!,
    fullPath,
    createReader: () => {
      const left = [...inside];
      return { readEntries: (done: (some: Entry[]) => void) => done(left.splice(0, 2)) };
    },
  } as Entry;
}

const paths = (files: { path: string }[]) => files.map(({ path }) => path);

describe("what was dropped", () => {
  it("is walked to its last file, however many a reader hands out at a time", async () => {
    const cats = Array.from({ length: 5 }, (_, n) => file(`/pets/cat/${n}.png`));
    const found = await walk([folder("/pets", folder("/pets/cat", ...cats), file("/pets/a.csv"))]);
    expect(paths(found)).toEqual(["pets/a.csv", ...cats.map((one) => one.fullPath.slice(1))]);
  });

  it("is shown by its path where file names repeat", async () => {
    const cat = folder("/pets/cat", file("/pets/cat/1.png"), file("/pets/cat/2.png"));
    const found = await walk([cat, folder("/pets/dog", file("/pets/dog/1.png"))]);
    const files = found.map((one) => one.file);
    const pasted = new File(["x"], "3.png");
    expect([...shownNames([...files, pasted]).values()]).toEqual([
      ...["pets/cat/1.png", "2.png", "pets/dog/1.png", "3.png"],
    ]);
    expect(files.map(pathOf)).toEqual(["pets/cat/1.png", "pets/cat/2.png", "pets/dog/1.png"]);
    const chosen = new File(["x"], "1.png");
    Object.defineProperty(chosen, "webkitRelativePath", { value: "birds/1.png" });
    expect(pathOf(chosen)).toBe("birds/1.png");
  });

  it("leaves out what systems strew about", async () => {
    const pets = folder("/pets", file("/pets/.DS_Store"), file("/pets/Thumbs.db"), file("/pets/1"));
    const found = await walk([pets, folder("/__MACOSX", file("/__MACOSX/1.png"))]);
    expect(paths(found)).toEqual(["pets/1"]);
  });

  it("fails if a file cannot be read", async () => {
    const bad = {
      ...file("/a.png"),
      file: (_: unknown, fail: (e: Error) => void) => fail(Error("no")),
    };
    await expect(walk([bad])).rejects.toThrow("no");
  });
});
