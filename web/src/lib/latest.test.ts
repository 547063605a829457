import { expect, test } from "vitest";
import { Latest } from "./latest.ts";

test("of what comes while one is asked only the newest is asked next", async () => {
  const asked: number[] = [];
  const open: (() => void)[] = [];
  const latest = new Latest<number>((question) => {
    asked.push(question);
    return new Promise((done) => open.push(done));
  });
  latest.put(1);
  latest.put(2);
  latest.put(3);
  expect(asked).toEqual([1]);
  expect(latest.waits).toBe(true);
  open.shift()!();
  await Promise.resolve();
  expect(asked).toEqual([1, 3]);
  expect(latest.waits).toBe(false);
  open.shift()!();
  await Promise.resolve();
  await Promise.resolve();
  latest.put(4);
  expect(asked).toEqual([1, 3, 4]);
});

test("what waits can be forgotten", async () => {
  const asked: number[] = [];
  let done = () => {};
  const latest = new Latest<number>((question) => {
    asked.push(question);
    return new Promise((resolve) => (done = resolve));
  });
  latest.put(1);
  latest.put(2);
  latest.drop();
  done();
  await Promise.resolve();
  await Promise.resolve();
  expect(asked).toEqual([1]);
});
