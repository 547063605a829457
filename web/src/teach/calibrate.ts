/** Temperature scaling and intervals: `evaluation/calibration.py` and `intervals.py` in TypeScript. */

const LOWEST = Math.log(0.05);
const HIGHEST = Math.log(20);
const Z = 1.959964; // 95 % of a normal distribution lie within this many deviations of its mean

/** The temperature that makes softmax(logits / T) fit n labels best, from n×K logits. */
export function temperatureOf(logits: Float64Array, labels: readonly number[]): number {
  const classes = logits.length / labels.length;
  const varies = labels.some((_, i) => {
    const own = logits.subarray(i * classes, (i + 1) * classes);
    return own.some((value) => value !== own[0]);
  });
  if (!varies) return 1;
  // As one or two pictures: it decides where the pictures cannot.
  const loss = (log: number) =>
    labels.reduce(
      (all, label, i) => {
        const own = logits.subarray(i * classes, (i + 1) * classes);
        return all - Math.log(Math.max(softmax(own, Math.exp(log))[label]!, 1e-300));
      },
      log ** 2 / 2,
    );
  return Math.exp(lowest(loss, LOWEST, HIGHEST));
}

export function softmax(logits: ArrayLike<number>, temperature: number): Float64Array {
  const scaled = Float64Array.from(logits, (value) => value / temperature);
  const most = Math.max(...scaled);
  const shares = scaled.map((value) => Math.exp(value - most));
  const all = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / all);
}

/** Where a function with one valley is lowest, by golden sections. */
function lowest(f: (x: number) => number, low: number, high: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [at, to] = [f(a), f(b)];
  while (high - low > 1e-6) {
    if (at < to) {
      [high, b, to] = [b, a, at];
      a = high - golden * (high - low);
      at = f(a);
    } else {
      [low, a, at] = [a, b, to];
      b = low + golden * (high - low);
      to = f(b);
    }
  }
  return (low + high) / 2;
}

export type Interval = [number, number];

/** The 95 % interval of the final model's accuracy: Wilson's, with the upper end moved by what it may
 * gain from `gain` times fewer training pictures in the folds.
 */
export function shareInterval(right: number, pictures: number, gain: number): Interval {
  if (!pictures) return [0, 1];
  const [share, square] = [right / pictures, Z ** 2 / pictures];
  const middle = (share + square / 2) / (1 + square);
  const reach =
    (Z / (1 + square)) * Math.sqrt((share * (1 - share)) / pictures + square / pictures / 4);
  const low = right > 0 ? Math.max(0, middle - reach) : 0;
  const high = right < pictures ? Math.min(1, middle + reach) : 1;
  return [low, high / (high + (1 - high) * gain)];
}
