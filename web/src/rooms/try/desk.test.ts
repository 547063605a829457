import { expect, test } from "vitest";
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
