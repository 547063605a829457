import { beforeEach, expect, it, vi } from "vitest";
import { madeUp } from "../rooms/compare/made-up.ts";
import { Changes } from "./changes.svelte.ts";

const stored = new Map<string, string>();
beforeEach(() => {
  stored.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
});

it("keeps changes until they are taken back", () => {
  const run = madeUp();
  const changes = new Changes(run);
  changes.relabel(0, "cloud");
  changes.leaveOut(3);
  changes.relabel(0, "bolt");
  expect([changes.label(0), changes.label(3), changes.size]).toEqual(["bolt", null, 2]);
  expect(new Changes(run).label(0)).toBe("bolt"); // after a reload
  expect(changes.undo()).toBe(0);
  expect(changes.label(0)).toBe("cloud");
  changes.undo();
  changes.undo();
  expect([changes.size, changes.canUndo, stored.size]).toEqual([0, false, 0]);
});

it("has no change where the label is as it was", () => {
  const run = madeUp();
  const changes = new Changes(run);
  changes.relabel(0, run.label(0));
  expect(changes.size).toBe(0);
  changes.leaveOut(1);
  changes.leaveOut(1);
  expect(changes.size).toBe(0);
});

it("is a table that bakeoff run --corrections reads", () => {
  const run = madeUp();
  const changes = new Changes(run);
  changes.leaveOut(2);
  changes.relabel(0, "cloud");
  expect(changes.csv.split("\r\n")).toEqual([
    "action,name,label,proposed,why",
    `relabel,${run.names[0]},${run.label(0)},cloud,by hand`,
    `leave out,${run.names[2]},${run.label(2)},,by hand`,
    "",
  ]);
});
