import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MadeFile } from "./png.ts";
import { ServedModels } from "./served.ts";

const sent: RequestInit[] = [];

beforeEach(() => {
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  vi.stubGlobal("document", { baseURI: "http://127.0.0.1/" });
  vi.stubGlobal("fetch", async (_: string, options: RequestInit) => {
    sent.push(options);
    return new Response(JSON.stringify({ models: [] }));
  });
});
afterEach(() => {
  sent.length = 0;
  vi.unstubAllGlobals();
});

test("a drawing is sent as its bytes, other files in a form with their names", async () => {
  const content = new Uint8Array([1, 2, 3]);
  const drawing = new MadeFile(content, "drawing.png");
  const given = new File([content], "cat.png", { type: "image/png" });
  const models = new ServedModels();
  await models.predict([drawing], ["cnn"], 3);
  await models.predict([given], ["cnn"], 3);
  await models.predict([drawing, given], ["cnn"], 3);
  await models.seen(drawing, ["cnn"]);
  const [alone, form, both, seen] = sent;
  for (const one of [alone!, seen!]) {
    expect(one.body).toBe(content);
    expect(new Headers(one.headers).get("content-type")).toBe("image/png");
  }
  expect((form!.body as FormData).getAll("files")).toHaveLength(1);
  expect((both!.body as FormData).getAll("files")).toHaveLength(2);
});
