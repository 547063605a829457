import { expect, it } from "vitest";
import { seriesOf } from "../charts/series.ts";
import { approachOf } from "./models.ts";

it("models of a second run have the approach, and so the colour, of the first", () => {
  const names = ["cnn 2", "runs/digits/vit", "transfer", "scattering 13", "mine"];
  expect(names.map(approachOf)).toEqual(["cnn", "vit", "transfer", "scattering", "mine"]);
  expect(seriesOf(names.map(approachOf))).toEqual(
    seriesOf(["cnn", "vit", "transfer", "scattering", "mine"]),
  );
});
