import { describe, expect, it } from "vitest";
import { chosen, nameFor, nameProblem, walk, type Entry } from "./entries.ts";

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

  it("leaves out what systems strew about", async () => {
    const pets = folder("/pets", file("/pets/.DS_Store"), file("/pets/Thumbs.db"), file("/pets/1"));
    const found = await walk([pets, folder("/__MACOSX", file("/__MACOSX/1.png"))]);
    expect(paths(found)).toEqual(["pets/1"]);
  });

  it("fails where a file can not be read", async () => {
    const bad = {
      ...file("/a.png"),
      file: (_: unknown, fail: (e: Error) => void) => fail(Error("no")),
    };
    await expect(walk([bad])).rejects.toThrow("no");
  });
});

describe("what was chosen", () => {
  it("keeps the folders that a folder chooser tells", () => {
    const one = new File(["x"], "1.png");
    Object.defineProperty(one, "webkitRelativePath", { value: "pets/cat/1.png" });
    const litter = new File(["x"], ".DS_Store");
    expect(paths(chosen([one, litter, new File(["x"], "2.png")]))).toEqual([
      "pets/cat/1.png",
      "2.png",
    ]);
  });
});

describe("the name of a set", () => {
  const of = (...paths: string[]) =>
    nameFor(paths.map((path) => ({ path, file: new File([], "x") })));

  it("is that of the folder or of the one file", () => {
    expect(of("pets/cat/1.png", "pets/dog/1.png")).toBe("pets");
    expect(of("My drawings (2).zip")).toBe("My drawings 2");
    expect(of("v1.2/cat/1.png", "v1.2/dog/1.png")).toBe("v1 2");
  });

  it("is a plain one where there are several, or nothing is left of it", () => {
    expect(of("cat/1.png", "dog/1.png")).toBe("pictures");
    expect(of("???.zip")).toBe("pictures");
  });

  it("is judged before it is sent", () => {
    expect(nameProblem("Katzen und Hunde", [])).toBeNull();
    expect(nameProblem("  ", [])).toContain("name");
    expect(nameProblem("a/b", [])).toContain("letters");
    expect(nameProblem("-a", [])).toContain("letters");
    expect(nameProblem("x".repeat(61), [])).toContain("60");
    expect(nameProblem("pets ", ["pets"])).toContain("already");
  });
});
