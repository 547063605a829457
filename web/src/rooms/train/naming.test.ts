import { describe, expect, it } from "vitest";
import { chosen, nameFor, nameProblem } from "./naming.ts";

const paths = (files: { path: string }[]) => files.map(({ path }) => path);

describe("what was chosen", () => {
  it("keeps the paths of a folder chooser", () => {
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
