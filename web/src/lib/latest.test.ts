import { expect, test } from "vitest";
import { Latest } from "./latest.ts";

test("of the requests during another only the newest is sent next", async () => {
  const sent: number[] = [];
  const open: (() => void)[] = [];
  const latest = new Latest<number>((question) => {
    sent.push(question);
    return new Promise((done) => open.push(done));
  });
  latest.put(1);
  latest.put(2);
  latest.put(3);
  expect(sent).toEqual([1]);
  expect(latest.waits).toBe(true);
  open.shift()!();
  await Promise.resolve();
  expect(sent).toEqual([1, 3]);
  expect(latest.waits).toBe(false);
  open.shift()!();
  await Promise.resolve();
  await Promise.resolve();
  latest.put(4);
  expect(sent).toEqual([1, 3, 4]);
});

test("what waits can be forgotten", async () => {
  const sent: number[] = [];
  let done = () => {};
  const latest = new Latest<number>((question) => {
    sent.push(question);
    return new Promise((resolve) => (done = resolve));
  });
  latest.put(1);
  latest.put(2);
  latest.drop();
  done();
  await Promise.resolve();
  await Promise.resolve();
  expect(sent).toEqual([1]);
});
