import { expect, test, vi } from "vitest";
import { Collection } from "./collection.svelte.ts";

let count = 0;

vi.mock("./sets.ts", () => ({
  openSet: async () => ({}),
  addPicture: async (_set: string, label: string) => ({ id: `${label}/${count++}`, label }),
  movePictures: async (_set: string, ids: string[], label: string) =>
    ids.map((id) => ({ id: `${label}/${id.split("/").at(-1)}`, label })),
  removePicture: async () => {},
}));

test("a change during a recording is taken back before the recording", async () => {
  const mugs = new Collection("mugs");
  mugs.addClass("mug");
  let end = () => {};
  const ended = new Promise<void>((done) => (end = done));
  async function* recorded(): AsyncGenerator<File> {
    yield new File([], "0.png");
    yield new File([], "1.png");
    await ended;
    yield new File([], "2.png");
  }
  const recording = mugs.keepAll("mug", "", recorded());
  await vi.waitFor(() => expect(mugs.of("mug")).toHaveLength(2));
  await mugs.rename("mug", "cup");
  end();
  await recording;
  expect(mugs.steps).toHaveLength(2);
  await mugs.undo(); // the name
  expect(mugs.classes).toContain("mug");
  expect(mugs.of("mug")).toHaveLength(3);
  await mugs.undo(); // all of the recording
  expect(mugs.pictures).toHaveLength(0);
});

test("a recording of which a part was taken back goes on as another step", async () => {
  const mugs = new Collection("mugs");
  let end = () => {};
  const ended = new Promise<void>((done) => (end = done));
  async function* recorded(): AsyncGenerator<File> {
    yield new File([], "0.png");
    await ended;
    yield new File([], "1.png");
  }
  const recording = mugs.keepAll("mug", "", recorded());
  await vi.waitFor(() => expect(mugs.pictures).toHaveLength(1));
  await mugs.undo();
  expect(mugs.pictures).toHaveLength(0);
  end();
  await recording;
  expect(mugs.pictures).toHaveLength(1);
  expect(mugs.steps).toHaveLength(1);
});
