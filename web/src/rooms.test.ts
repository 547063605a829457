import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { read } from "./lib/address.ts";
import { menu, room, roomAt, roomsOf, runAt, titleAt, type PageKind } from "./lib/menu.ts";
import { withRoomsOf } from "../own-rooms.ts";
import { ROOMS } from "./rooms.ts";

const names = (kind: PageKind, rooms = ROOMS) => roomsOf(kind, rooms).map(({ name }) => name);

describe("each page", () => {
  it.each<[PageKind, string[]]>([
    ["app", ["try", "compare", "data", "train", "tune"]],
    ["run", ["compare", "data"]],
    ["check", ["data"]],
    ["study", ["tune"]],
    ["browser", ["try", "teach"]],
  ])("%s has its rooms", (kind, expected) => expect(names(kind)).toEqual(expected));
});

it("the build of a report imports the rooms of reports alone", () => {
  const source = readFileSync(new URL("./rooms.ts", import.meta.url), "utf8");
  const imported = (code: string) =>
    [...code.matchAll(/import\("\.\/rooms\/(\w+)\//g)].map(([, name]) => name);
  expect(imported(source)).toEqual(ROOMS.map(({ name }) => name));
  expect(imported(withRoomsOf(["run", "check"], source))).toEqual(["compare", "data"]);
  expect(imported(withRoomsOf(["browser"], source))).toEqual(["try", "teach"]);
});

describe("the menu", () => {
  const app = roomsOf("app", ROOMS);
  const links = (hash: string) => menu(read(hash), app).map(({ href }) => href);

  it("keeps the run that is looked at", () => {
    const all = ["#/try/digits", "#/compare/digits", "#/data/digits", "#/train", "#/tune"];
    expect(links("#/compare/digits?view=cost")).toEqual(all);
    expect(links("#/train/run/digits")).toEqual(all);
    expect(links("#/try?run=digits")).toEqual(all);
  });

  it("takes a study for no run", () => {
    expect(links("#/tune/digits")[0]).toBe("#/try");
    expect(links("#/train/set/digits")[0]).toBe("#/try");
  });

  it("marks the room that is open, the first at the empty address", () => {
    const current = (hash: string) => menu(read(hash), app).find((entry) => entry.current)?.name;
    expect([current(""), current("#/data/x"), current("#/attic")]).toEqual([
      "try",
      "data",
      undefined,
    ]);
  });

  it("names run or study in the title", () => {
    const title = (hash: string) => titleAt(read(hash), roomAt(read(hash), app));
    expect(title("#/compare/my%20digits")).toBe("Compare · my digits · bakeoff");
    expect(title("#/tune/mine")).toBe("Tune · mine · bakeoff");
    expect(title("#/attic")).toBe("bakeoff · bakeoff");
  });
});

describe("a room that is added", () => {
  const component = { default: () => ({}) } as unknown as Awaited<
    ReturnType<(typeof ROOMS)[number]["open"]>
  >;
  const more = [...ROOMS, room("label", "Label", "run", ["app", "run"], async () => component)];

  it("is in the menu of its pages alone", () => {
    expect(names("app", more)).toEqual([...names("app"), "label"]);
    expect(names("run", more)).toEqual([...names("run"), "label"]);
    expect(names("browser", more)).toEqual(names("browser"));
  });

  it("has an address, which opens it and names its run", async () => {
    const address = read("#/label/digits");
    const found = roomAt(address, roomsOf("app", more));
    expect(await found!.open()).toBe(component);
    expect(runAt(address, found)).toBe("digits");
    expect(menu(address, roomsOf("app", more)).at(-1)).toEqual({
      ...{ name: "label", title: "Label", href: "#/label/digits", current: true },
    });
  });
});
