import { describe, expect, it } from "vitest";
import type { RunEvent } from "./api.ts";
import { follow, NOTHING, secondsLeft, share, shownLeft, type Progress } from "./progress.ts";

const TIME = "2026-01-01T12:00:00+00:00";
const event = (event: string, details: object = {}) =>
  ({ event, time: TIME, ...details }) as RunEvent;
const begun = (kind = "run started") =>
  event(kind, {
    approaches: ["baseline", "cnn"],
    description: "class folders, 20 pictures",
    folds: ["fold 1", "fold 2"],
  });
const estimated = (baseline: number, cnn: number) =>
  event("estimated", { seconds: { baseline, cnn } });
const started = (approach: string, fold: string) => event("unit started", { approach, fold });
const epoch = (approach: string, fold: string, number: number, of: number, seconds = 1) =>
  event("epoch", {
    ...{ approach, fold, number, of, seconds, learning_rate: 0.1 },
    ...{ train_loss: 1, train_accuracy: 0.5, validation_loss: null, validation_accuracy: null },
  });
const finished = (approach: string, fold: string, seconds: number, accuracy: number | null = 0.9) =>
  event("unit finished", { approach, fold, seconds, accuracy, best_epoch: 2 });
const whole = (approach: string, seconds: number) =>
  ["fold 1", "fold 2", "final"].flatMap((fold) => [
    started(approach, fold),
    finished(approach, fold, seconds, fold === "final" ? null : 0.9),
  ]);

function unit(now: Progress, approach: string, fold: string) {
  return now.approaches
    .find((one) => one.name === approach)!
    .units.find((unit) => unit.fold === fold)!;
}

describe("events", () => {
  it("say what is waiting, training and finished", () => {
    const now = follow(NOTHING, [
      ...[begun(), estimated(3, 30), event("preparing", { approach: "baseline" })],
      ...[started("baseline", "fold 1"), finished("baseline", "fold 1", 2, 0.8)],
      ...[started("baseline", "fold 2"), epoch("baseline", "fold 2", 1, 4)],
    ]);
    expect(now.phase).toBe("training");
    expect(now.started).toBe(TIME);
    expect(now.current).toEqual({ approach: "baseline", fold: "fold 2" });
    expect(now.approaches[0]!.preparing).toBe(false);
    expect(unit(now, "baseline", "fold 1")).toMatchObject({ accuracy: 0.8, best: 2, seconds: 2 });
    expect(unit(now, "baseline", "fold 2")).toMatchObject({ state: "training", planned: 4 });
    expect(unit(now, "baseline", "fold 2").curve).toMatchObject([{ epoch: 1, seconds: 1 }]);
    expect(unit(now, "cnn", "final").state).toBe("waiting");
  });

  it("leave the state before as it was, and may come in any portions", () => {
    const all = [begun(), estimated(3, 30), ...whole("baseline", 1), started("cnn", "fold 1")];
    const epochs = [1, 2, 3].map((number) => epoch("cnn", "fold 1", number, 5));
    const before = follow(NOTHING, all);
    const at_once = follow(before, epochs);
    expect(unit(before, "cnn", "fold 1").curve).toEqual([]);
    expect(epochs.reduce((now, one) => follow(now, [one]), before)).toEqual(at_once);
  });

  it("keep what was finished when a run is resumed, with its curve", () => {
    const stopped = follow(NOTHING, [
      ...[begun(), estimated(3, 30), started("baseline", "fold 1")],
      ...[epoch("baseline", "fold 1", 1, 1), finished("baseline", "fold 1", 1)],
      ...[started("baseline", "fold 2"), epoch("baseline", "fold 2", 1, 4)],
      event("run stopped", { status: "stopped", why: null }),
    ]);
    expect(stopped).toMatchObject({ phase: "stopped", current: null });
    expect(unit(stopped, "baseline", "fold 2").state).toBe("waiting");
    expect(unit(stopped, "baseline", "fold 2").curve).toHaveLength(1);
    const again = follow(stopped, [
      begun("run resumed"),
      estimated(2, 30),
      event("unit kept", { approach: "baseline", fold: "fold 1", accuracy: 0.9 }),
    ]);
    expect(unit(again, "baseline", "fold 1").curve).toHaveLength(1);
    expect(unit(again, "baseline", "fold 2")).toMatchObject({ state: "waiting", curve: [] });
    expect(again.phase).toBe("training");
    expect(again.approaches[0]).toMatchObject({ weight: 3 });
  });

  it("say why a run failed, and which approach won", () => {
    const failed = follow(NOTHING, [begun(), event("run failed", { why: "the disk is full" })]);
    expect(failed).toMatchObject({ phase: "failed", why: "the disk is full" });
    const never = follow(NOTHING, [event("run stopped", { status: "failed", why: "no set" })]);
    expect(never).toMatchObject({ phase: "failed", why: "no set" });
    const won = follow(failed, [event("run finished", { winner: "cnn", why: "It is better." })]);
    expect(won).toMatchObject({ phase: "finished", winner: "cnn", why: "It is better." });
  });

  it("lead from training over scoring and packing to the end", () => {
    let now = follow(NOTHING, [begun()]);
    expect(now.phase).toBe("measuring");
    now = follow(now, [estimated(3, 30), ...whole("baseline", 1), ...whole("cnn", 10)]);
    expect(now.phase).toBe("scoring");
    now = follow(now, [event("test opened", { pictures: 9 })]);
    expect(now.phase).toBe("scoring");
    const corrupting = event("corrupting pictures", { pictures: 9, corruptions: [] });
    const training = follow(NOTHING, [begun(), started("cnn", "fold 1"), corrupting]);
    expect(training.phase).toBe("training"); // while the last fits go on
    expect(follow(now, [event("tracing graphs", { approaches: ["cnn"] })]).phase).toBe("packing");
    expect(follow(now, [event("bundle written", { approach: "cnn" })]).phase).toBe("packing");
  });

  it("say which approaches are scored, once each", () => {
    const scored = (approach: string) => event("approach scored", { approach });
    const now = follow(NOTHING, [begun(), scored("cnn"), scored("baseline"), scored("cnn")]);
    expect(now.scored).toEqual(["cnn", "baseline"]);
    expect(follow(now, [begun("run resumed")]).scored).toEqual(["cnn", "baseline"]);
  });

  it("of a kind or an approach that is not known change nothing", () => {
    const now = follow(NOTHING, [begun()]);
    expect(follow(now, [event("tea made"), started("forest", "fold 1")])).toEqual(now);
    expect(follow(now, [started("cnn", "fold 9")])).toEqual(now);
  });
});

describe("the share that is done", () => {
  it("counts an approach by the time it is thought to take, and reaches 1 at the end alone", () => {
    const begun3 = follow(NOTHING, [begun(), estimated(10, 90)]);
    expect(share(NOTHING)).toBe(0);
    expect(share(begun3)).toBe(0);
    const one = follow(begun3, whole("baseline", 1));
    expect(share(one)).toBeCloseTo(0.97 * 0.1);
    const half = follow(one, [started("cnn", "fold 1"), epoch("cnn", "fold 1", 5, 10)]);
    expect(share(half)).toBeCloseTo(0.97 * 0.25);
    const all = follow(one, whole("cnn", 1));
    expect(share(all)).toBeCloseTo(0.97);
    expect(share(follow(all, [event("run finished", { winner: null, why: "" })]))).toBe(1);
  });

  it("follows those at work", () => {
    const two = event("estimated", { seconds: { baseline: 6, cnn: 60 }, workers: 2 });
    let now = follow(NOTHING, [begun(), two]);
    now = follow(now, [started("cnn", "fold 1"), started("baseline", "fold 1")]);
    expect(now.current).toEqual({ approach: "baseline", fold: "fold 1" });
    const done = { approach: "baseline", fold: "fold 1", seconds: 2, accuracy: 1, best_epoch: 1 };
    now = follow(now, [event("unit finished", done)]);
    expect(now.current).toEqual({ approach: "cnn", fold: "fold 1" });
  });

  it("is nothing until there is an estimate, and counts what was trained before it", () => {
    const early = follow(NOTHING, [begun(), ...whole("baseline", 1)]);
    expect(early.phase).toBe("training");
    expect(share(early)).toBe(0);
    expect(share(follow(early, [estimated(0, 27)]))).toBeCloseTo(0.97 * 0.1);
  });
});

describe("the time left", () => {
  const left = (seconds: number, time = TIME) => event("time left", { seconds, slowdown: 2, time });

  it("is the last estimate, less the time since", () => {
    expect(secondsLeft(follow(NOTHING, [begun(), estimated(3, 30)]))).toBeNull();
    let now = follow(NOTHING, [begun(), estimated(3, 30), left(40)]);
    expect(secondsLeft(now)).toBe(40);
    expect(now.left?.slowdown).toBe(2);
    const later = { ...started("cnn", "fold 1"), time: "2026-01-01T12:00:10+00:00" };
    now = follow(now, [later]);
    expect(secondsLeft(now)).toBe(30);
    now = follow(now, [left(80, "2026-01-01T12:00:12+00:00")]);
    expect(secondsLeft(now)).toBe(80);
    expect(
      secondsLeft(follow(now, [left(5), { ...later, time: "2026-01-01T12:01:00+00:00" }])),
    ).toBe(0);
    expect(secondsLeft(follow(now, [event("run finished", { winner: null, why: "" })]))).toBe(0);
  });

  it("is unknown again when a run is resumed", () => {
    expect(secondsLeft(follow(NOTHING, [begun(), left(40), begun("run resumed")]))).toBeNull();
  });

  it("is shown counting down, coming down gently, and going up only for good reason", () => {
    expect(shownLeft(null, 60, 0)).toBe(60);
    expect(shownLeft(60, 60, 1)).toBe(59);
    expect(shownLeft(60, 66, 1)).toBe(59);
    const faster = shownLeft(60, 20, 1);
    expect(faster).toBeLessThan(59);
    expect(faster).toBeGreaterThan(20);
    const slower = shownLeft(60, 200, 1);
    expect(slower).toBeGreaterThan(60);
    expect(slower).toBeLessThan(200);
    expect(shownLeft(0.5, 0, 1)).toBe(0);
  });
});
