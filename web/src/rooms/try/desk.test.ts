import { expect, test, vi } from "vitest";
import type { Early, ModelAnswers, Models, Predictions } from "../../lib/models.ts";
import { Desk } from "./desk.svelte.ts";

const file = new File([], "x.png");
const settled = () => new Promise((done) => setTimeout(done));

function answers(model: string): ModelAnswers {
  const label = `by ${model}`;
  return { model, milliseconds: 1, answers: [{ label }] } as unknown as ModelAnswers;
}

/** Models whose answers the test controls. */
function slow() {
  let tell: Early = () => {};
  let finish: (found: Predictions) => void = () => {};
  const models = {
    predict: (_files: File[], _names: string[], _top: number, _signal: undefined, early: Early) => {
      tell = early;
      return new Promise<Predictions>((done) => (finish = done));
    },
    seen: async () => null,
  } as unknown as Models;
  return {
    models,
    tell: (model: string) => tell(answers(model)),
    finish: (...names: string[]) => finish({ models: names.map(answers), left_out: [] }),
  };
}

test("the first answer is shown before the last is known", async () => {
  const { models, tell, finish } = slow();
  const desk = new Desk(models, ["a", "b"]);
  desk.ask(async () => file);
  await settled();
  tell("a");
  expect(Object.keys(desk.said)).toEqual(["a"]);
  expect(desk.file).toBeNull();
  finish("a", "b");
  await settled();
  expect(Object.keys(desk.said)).toEqual(["a", "b"]);
  expect(desk.file).toBe(file);
});

test("an early answer to a cleared picture is not shown", async () => {
  const { models, tell } = slow();
  const desk = new Desk(models, ["a", "b"]);
  desk.ask(async () => file);
  await settled();
  desk.clear();
  tell("a");
  expect(desk.said).toEqual({});
});

test("an unfinished drawing does not count for the drift alarm, a picture does", async () => {
  const watched: unknown[] = [];
  const models = {
    predict: async (...given: unknown[]) => {
      watched.push(given[5]);
      const said = (given[1] as string[]).map(answers);
      return { models: said.map((one) => ({ ...one, drifted: one.model === "b" })), left_out: [] };
    },
    seen: async () => null,
  } as unknown as Models;
  const desk = new Desk(models, ["a", "b"]);
  desk.ask(async () => file, "unfinished");
  await settled();
  desk.ask(async () => file);
  await settled();
  desk.change(["b"]);
  await settled();
  expect(watched).toEqual([false, true, true]);
  expect(desk.drifted).toEqual(["b"]);
});

test("the models' inputs wait until the pen rests, but not for ever", async () => {
  vi.useFakeTimers();
  let requests = 0;
  const models = {
    predict: async (_: File[], names: string[]) => ({ models: names.map(answers), left_out: [] }),
    seen: async () => {
      requests++;
      return null;
    },
  } as unknown as Models;
  const desk = new Desk(models, ["a"]);
  const stroke = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      desk.ask(async () => file, "unfinished");
      await vi.advanceTimersByTimeAsync(20);
    }
  };
  await stroke(20);
  expect(requests).toBe(1); // the first one at once
  await stroke(900);
  expect(requests).toBe(1);
  await vi.advanceTimersByTimeAsync(150);
  expect(requests).toBe(2);
  await stroke(2100);
  expect(requests).toBe(4);
  vi.useRealTimers();
});
