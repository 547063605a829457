import { expect, it } from "vitest";
import { snippets } from "./snippets.ts";

it("has the address of the page, below a path too", () => {
  const { curl, JavaScript, Python } = snippets(
    "https://models.example.org/digits/",
    "my run",
    ["my run/cnn", "my run/vit"],
    false,
  );
  const address =
    "https://models.example.org/digits/api/predict?model=my+run%2Fcnn&model=my+run%2Fvit";
  expect(curl).toContain(`"${address}"`);
  expect(JavaScript).toContain(`fetch("${address}"`);
  expect(Python).toContain('"runs/my run"');
  expect(curl + JavaScript).not.toContain("TOKEN");
});

it("says where the token goes, and does not show it", () => {
  const { curl, JavaScript } = snippets("http://127.0.0.1:8000/", "a", ["a/cnn"], true);
  expect(curl).toContain('-H "Authorization: Bearer TOKEN"');
  expect(JavaScript).toContain("Bearer TOKEN");
});
