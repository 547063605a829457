import { expect, test, vi } from "vitest";
import { Labelling } from "./labelling.svelte.ts";
import type { NextPicture } from "./sets.ts";

let rank: (found: NextPicture[]) => void = () => {};

let moving: Promise<void> = Promise.resolve();

vi.mock("./sets.ts", () => ({
  openSet: async () => ({ classes: [{ name: "ant" }] }),
  nextPictures: () => new Promise<NextPicture[]>((done) => (rank = done)),
  movePictures: async (_set: string, ids: string[], label: string | null) => {
    await moving;
    return ids.map((id) => ({ id: label === null ? id.split("/").at(-1)! : `${label}/${id}` }));
  },
}));

const picture = (id: string) => ({ id }) as unknown as NextPicture;
const settled = () => new Promise((done) => setTimeout(done));

test("pictures that get a label while others are ranked are not asked for again", async () => {
  const labelling = new Labelling("ants");
  const load = async (ids: string[], meanwhile = async () => {}) => {
    const loading = labelling.load(null);
    await settled();
    await meanwhile();
    rank(ids.map(picture));
    await loading;
    return labelling.queue.map(({ id }) => id);
  };
  expect(await load(["a.png", "b.png", "c.png", "d.png"])).toHaveLength(4);
  const left = await load(["b.png", "c.png", "a.png", "d.png"], async () => {
    await labelling.label("ant"); // a.png
    await labelling.skip(); // b.png
    await labelling.none(); // c.png
  });
  expect(left).toEqual(["d.png"]);
  // What is taken back may come again.
  await labelling.undo();
  await labelling.undo();
  await labelling.undo();
  expect(await load(["a.png", "b.png", "c.png", "d.png"])).toHaveLength(4);
});

test("a picture whose label is on its way when a ranking comes is the one that leaves", async () => {
  const labelling = new Labelling("ants");
  const load = async (ids: string[]) => {
    const loading = labelling.load(null);
    await settled();
    rank(ids.map(picture));
    await loading;
  };
  await load(["a.png", "b.png"]);
  let moved = () => {};
  moving = new Promise((done) => (moved = done));
  const labelled = labelling.label("ant"); // a.png
  await load(["c.png", "a.png", "b.png"]);
  moved();
  await labelled;
  expect(labelling.queue.map(({ id }) => id)).toEqual(["c.png", "b.png"]);
});
