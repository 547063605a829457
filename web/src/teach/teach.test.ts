import { describe, expect, it } from "vitest";
import { shareInterval } from "./calibrate.ts";
import { foldsWith } from "./folds.ts";
import { fromHalf, lessonsOf, reduced, type Lessons } from "./lessons.ts";
import numbers from "./numbers.json"; // made by Python: python -m tests.teaching
import { answerFrom, known, teach, type Taught } from "./solve.ts";
import { thresholdsFrom } from "./thresholds.ts";
import { Tridiagonal } from "./tridiagonal.ts";

type Case = (typeof numbers)["even"];
const CASES = Object.entries(numbers) as [string, Case][];

/** The last `added` pictures are taught, the others were there; all in the folds of Python. */
function taughtIn(given: Case, added: number): { taught: Taught; lessons: Lessons } {
  const x = Float32Array.from(given.x);
  const first = given.labels.length - added;
  const lessons: Lessons = {
    features: x.slice(0, first * given.width),
    labels: Int32Array.from(given.labels.slice(0, first)),
    folds: Int32Array.from(given.folds.slice(0, first)),
    width: given.width,
    nuisance: { directions: new Float32Array(), kept: new Float32Array() },
    balance: given.balance,
  };
  const more = given.labels.slice(first).map((label, n) => ({
    features: x.slice((first + n) * given.width, (first + n + 1) * given.width),
    label,
  }));
  return { taught: teach(lessons, known(lessons), more, given.classes), lessons };
}

describe.each(CASES)("with the numbers of Python, %s classes", (_, given) => {
  const { taught } = taughtIn(given, 0);

  it("every out-of-fold probability is the same", () => {
    given.probabilities.forEach((shares, row) =>
      shares.forEach((share, c) => expect(taught.probabilities[row]![c]).toBeCloseTo(share, 3)),
    );
  });

  it("the score and its interval are the same", () => {
    const right = given.probabilities.filter(
      (shares, row) => shares.indexOf(Math.max(...shares)) === given.labels[row],
    ).length;
    expect(taught.score.right).toBe(right);
    expect(taught.score.pictures).toBe(given.labels.length);
    expect(taught.score.interval[0]).toBeCloseTo(given.interval[0]!, 6);
    expect(taught.score.interval[1]).toBeCloseTo(given.interval[1]!, 6);
  });

  it("the final model is the same", () => {
    expect(taught.head.temperature).toBeCloseTo(given.temperature, 3);
    given.weights.forEach((value, at) => expect(taught.head.weights[at]).toBeCloseTo(value, 4));
    given.bias.forEach((value, at) => expect(taught.head.bias[at]).toBeCloseTo(value, 4));
  });

  it("the thresholds are the same", () => {
    const found = thresholdsFrom({
      probabilities: given.probabilities.map((shares) => Float64Array.from(shares)),
      oodScore: given.ood_scores,
      labels: given.labels,
    });
    const wanted = given.thresholds;
    expect(found.least_probability).toBeCloseTo(wanted.least_probability, 5);
    expect(found.max_ood_score).toBeCloseTo(wanted.max_ood_score, 5);
    expect(found.least_by_class?.length ?? null).toBe(
      (wanted.least_by_class as number[] | null)?.length ?? null,
    );
    (wanted.least_by_class as number[] | null)?.forEach((least, c) =>
      expect(found.least_by_class![c]).toBeCloseTo(least, 5),
    );
    const least = wanted.sure.least_probability as number | null;
    if (least === null) expect(found.sure!.least_probability).toBeNull();
    else expect(found.sure!.least_probability).toBeCloseTo(least, 5);
  });
});

describe("what is added", () => {
  const given = numbers.even as Case;

  it("counts as if it had been there", () => {
    const { taught } = taughtIn(given, 7);
    const whole = taughtIn({ ...given, folds: [...taught.folds] }, 0).taught;
    expect(taught.score).toEqual(whole.score);
    expect(taught.head.temperature).toBeCloseTo(whole.head.temperature, 9);
  });

  it("goes to the fold with the fewest of its class", () => {
    const { taught } = taughtIn(given, 10);
    for (let fold = 0; fold < 5; fold++) {
      const some = [...taught.folds.keys()].filter((row) => taught.folds[row] === fold);
      expect(some.filter((row) => given.labels[row] === 2)).toHaveLength(8);
    }
  });

  it("goes to the fold of its twin", () => {
    const gram = Float64Array.from([1, 0, 1, 0, 1, 0, 1, 0, 1]);
    const all = { gram, size: 3, labels: [0, 1, 0], classes: 2, balance: 0 };
    expect([...foldsWith(Int32Array.from([0, 1]), all)]).toEqual([0, 1, 0]);
  });

  it("is a class of its own, which is answered", () => {
    const { lessons } = taughtIn(given, 0);
    const added = Array.from({ length: 6 }, (_, n) => ({
      features: Float32Array.from({ length: given.width }, (_, d) => (d % 6 === n ? 1 : 4)),
      label: 3,
    }));
    const { head, classes } = teach(lessons, known(lessons), added, 4);
    expect(classes[3]).toMatchObject({ pictures: 6, right: 6 });
    const like = Float32Array.from({ length: given.width }, () => 3.9);
    const { probabilities, oodScore } = answerFrom(head, like);
    expect(probabilities[3]).toBeGreaterThan(0.5);
    expect(oodScore).toBeLessThan(head.trust.max_ood_score);
    const other = like.map((_, d) => (Math.floor(d / 3) % 2 ? 4 : -4));
    expect(answerFrom(head, other).oodScore).toBeGreaterThan(oodScore + 0.3);
  });

  it("cannot be scored where it is alone in its class", () => {
    const { lessons } = taughtIn(given, 0);
    const alone = { features: new Float32Array(given.width).fill(4), label: 3 };
    const { classes, score } = teach(lessons, known(lessons), [alone], 4);
    expect(classes[3]!.pictures).toBe(0);
    expect(score.pictures).toBe(given.labels.length);
  });
});

it("solves what a matrix and a penalty make", () => {
  const n = 12;
  const random = (seed: number) => Math.sin(seed * 12.9898) * 2;
  const b = Array.from({ length: n * n }, (_, at) => random(at + 1));
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < n; k++) a[i * n + j]! += b[i * n + k]! * b[j * n + k]!;
  const y = Float64Array.from({ length: 2 * n }, (_, at) => random(at + 500));
  const { x, diagonal } = new Tridiagonal(a.slice(), n).solve(0.3, y, 2);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 2; c++) {
      let back = 0.3 * x[i * 2 + c]!;
      for (let j = 0; j < n; j++) back += a[i * n + j]! * x[j * 2 + c]!;
      expect(back).toBeCloseTo(y[i * 2 + c]!, 8);
    }
  const unit = Float64Array.from({ length: n }, (_, i) => Number(i === 4));
  const { x: inverse } = new Tridiagonal(a.slice(), n).solve(0.3, unit, 1);
  expect(diagonal[4]).toBeCloseTo(inverse[4]!, 8);
});

it("reads a file of lessons", () => {
  const header = JSON.stringify({
    __metadata__: { balance: "0.5" },
    features: { dtype: "F16", shape: [1, 2], data_offsets: [0, 4] },
    labels: { dtype: "I32", shape: [1], data_offsets: [4, 8] },
    folds: { dtype: "I32", shape: [1], data_offsets: [8, 12] },
    directions: { dtype: "F16", shape: [2, 1], data_offsets: [12, 16] },
    kept: { dtype: "F32", shape: [1], data_offsets: [16, 20] },
  });
  const file = new ArrayBuffer(8 + header.length + 20);
  const view = new DataView(file);
  view.setBigUint64(0, BigInt(header.length), true);
  new Uint8Array(file).set(new TextEncoder().encode(header), 8);
  const at = 8 + header.length;
  [0x3c00, 0xc000].forEach((half, n) => view.setUint16(at + 2 * n, half, true));
  view.setInt32(at + 4, 3, true);
  view.setInt32(at + 8, 1, true);
  [0x3c00, 0].forEach((half, n) => view.setUint16(at + 12 + 2 * n, half, true));
  view.setFloat32(at + 16, 0.25, true);
  const found = lessonsOf(file);
  expect([...found.features]).toEqual([1, -2]);
  expect([found.labels[0], found.folds[0], found.width, found.balance]).toEqual([3, 1, 2, 0.5]);
  expect([...reduced(found.features, found.nuisance)]).toEqual([0.25, -2]);
});

it("knows every kind of 16-bit number", () => {
  const bits = Uint16Array.from([0x3555, 0x0001, 0x8400, 0x7bff, 0x7c00]);
  const found = [...fromHalf(bits)];
  expect(found[0]).toBeCloseTo(1 / 3, 3);
  expect(found.slice(1)).toEqual([2 ** -24, -(2 ** -14), 65504, Infinity]);
});

it("has no interval without pictures", () => {
  expect(shareInterval(0, 0, 1)).toEqual([0, 1]);
});
