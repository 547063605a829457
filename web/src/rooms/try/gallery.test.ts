import { expect, test } from "vitest";
import { answerOf } from "../../lib/answer.ts";
import type { Models } from "../../lib/models.ts";
import { Gallery } from "./gallery.svelte.ts";

function picked(path: string): File {
  const file = new File(["x"], path.split("/").at(-1)!);
  Object.defineProperty(file, "webkitRelativePath", { value: path });
  return file;
}

/** Models that answer by path, as a server does, or by name, as a browser does. */
function models(byPath: boolean): Models {
  const answered = (file: File) => {
    const answer = answerOf(file.name, [1, 0], 1, ["a", "b"], null, 2);
    return byPath ? { ...answer, name: "?", path: file.webkitRelativePath } : answer;
  };
  const predict = (files: File[]) =>
    Promise.resolve({
      models: [{ model: "cnn", milliseconds: 1, answers: files.map(answered) }],
      left_out: [],
    });
  return { predict } as unknown as Models;
}

test.each([true, false])("pictures of the same name are shown by their paths", async (byPath) => {
  const files = ["a/1.png", "b/1.png", "b/2.png"].map(picked);
  // More than one batch: the last repeats a name of the first.
  files.push(...Array.from({ length: 50 }, (_, place) => picked(`c/${place + 3}.png`)));
  files.push(picked("d/2.png"));
  const gallery = new Gallery(models(byPath), ["cnn"], ["a", "d"]);
  await gallery.take(files);
  expect(gallery.pictures.map(({ file }) => file)).toEqual(files);
  const names = gallery.pictures.map(({ name }) => name);
  expect(names.slice(0, 4)).toEqual(["a/1.png", "b/1.png", "b/2.png", "3.png"]);
  expect(names.at(-1)).toBe("d/2.png");
});
