import { afterEach, expect, it } from "vitest";
import english from "../languages/en.json";
import { speak } from "./language.svelte.ts";
import { said } from "./said.ts";
import { foldTitle } from "./running.ts";
import { APPROACHES, approachTitle, METRICS, metricTitle, short } from "./titles.ts";

afterEach(() => speak("en"));

it("has the English titles as they come from the server", () => {
  for (const [title, key] of Object.entries({ ...APPROACHES, ...METRICS })) {
    expect(english[key]).toBe(title);
  }
});

it("translates known titles and leaves others", async () => {
  await speak("de");
  expect(approachTitle("Transfer learning")).toBe("Transferlernen");
  expect(approachTitle("My network")).toBe("My network");
  expect(metricTitle("balanced accuracy")).toBe("Ausgewogene Genauigkeit");
  expect([foldTitle("fold 3"), foldTitle("final"), foldTitle("Ann")]).toEqual([
    "Teil 3",
    "Endmodell",
    "Ann",
  ]);
  expect([short("cnn"), short("baseline"), short("mine")]).toEqual([
    "CNN",
    "Vergleichsmodell",
    "mine",
  ]);
  await speak("fr");
  expect(metricTitle("balanced accuracy")).toBe("exactitude équilibrée");
  expect(metricTitle("macro f1")).toBe("F1 macro");
});

it("names approaches in sentences, but not a class of the same name", async () => {
  await speak("de");
  const only = { code: "headline.only", values: { title: "Transfer learning" } };
  expect(said(only, "")).toBe("Transferlernen ist der einzige trainierte Ansatz.");
  const guessing = { code: "which.guessing", values: { label: "Scattering", share: 0.5 } };
  expect(said(guessing, "")).toContain("„Scattering“");
  const trial = { code: "aim.ofLatency", values: { value: 1.234 } };
  expect(said(trial, "")).toBe("1,23\u202fms");
});
