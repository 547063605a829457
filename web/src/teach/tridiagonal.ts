/** A symmetric matrix as Q T Qᵀ with a tridiagonal T, after Householder (1958).
 *
 * With Q and T, (A + p)⁻¹ costs n² operations for every further p, and its diagonal too.
 */
export class Tridiagonal {
  readonly #diagonal: Float64Array;
  readonly #beside: Float64Array;
  /** Qᵀ's columns as rows: row i is the i-th row of Q. */
  readonly #q: Float64Array;

  /** `a` is n×n, row by row; it is overwritten. */
  constructor(
    a: Float64Array,
    readonly size: number,
  ) {
    const n = size;
    const scales = new Float64Array(n);
    [this.#diagonal, this.#beside] = [new Float64Array(n), new Float64Array(n)];
    // Step k makes column k zero below its second place, by a reflection kept in that column.
    for (let k = 0; k < n - 1; k++) {
      this.#diagonal[k] = a[k * n + k]!;
      const v = new Float64Array(n);
      let square = 0;
      for (let i = k + 1; i < n; i++) {
        v[i] = a[i * n + k]!;
        if (i > k + 1) square += v[i]! * v[i]!;
      }
      const first = v[k + 1]!;
      if (square <= 1e-30 * first * first || square === 0) {
        this.#beside[k] = first;
        continue;
      }
      const norm = Math.sqrt(first * first + square);
      const to = first > 0 ? -norm : norm;
      this.#beside[k] = to;
      v[k + 1] = first - to;
      const scale = (scales[k] = 2 / (v[k + 1]! * v[k + 1]! + square));
      reflect(a, n, k + 1, v, scale);
      for (let i = k + 1; i < n; i++) a[i * n + k] = v[i]!;
    }
    if (n) this.#diagonal[n - 1] = a[n * n - 1]!;
    this.#q = product(a, n, scales);
  }

  /** (A + p)⁻¹ y for n×K values, row by row, and the diagonal of (A + p)⁻¹. */
  solve(p: number, y: Float64Array, columns: number): { x: Float64Array; diagonal: Float64Array } {
    const [n, q] = [this.size, this.#q];
    const [pivots, below] = this.#factors(p);
    const turned = new Float64Array(n * columns); // Qᵀ y
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        for (let c = 0; c < columns; c++)
          turned[j * columns + c]! += q[i * n + j]! * y[i * columns + c]!;
    for (let j = 1; j < n; j++)
      for (let c = 0; c < columns; c++)
        turned[j * columns + c]! -= below[j - 1]! * turned[(j - 1) * columns + c]!;
    for (let j = n - 1; j >= 0; j--)
      for (let c = 0; c < columns; c++) {
        const later = j < n - 1 ? below[j]! * turned[(j + 1) * columns + c]! : 0;
        turned[j * columns + c] = turned[j * columns + c]! / pivots[j]! - later;
      }
    const x = new Float64Array(n * columns);
    const diagonal = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let [part, sum] = [0, 0];
      for (let j = 0; j < n; j++) {
        const one = q[i * n + j]!;
        part = one - (j ? below[j - 1]! * part : 0);
        sum += (part * part) / pivots[j]!;
        for (let c = 0; c < columns; c++) x[i * columns + c]! += one * turned[j * columns + c]!;
      }
      diagonal[i] = sum;
    }
    return { x, diagonal };
  }

  /** T + p as L D Lᵀ: D, and what is below the ones of L. */
  #factors(p: number): [Float64Array, Float64Array] {
    const n = this.size;
    const [pivots, below] = [new Float64Array(n), new Float64Array(n)];
    for (let j = 0; j < n; j++) {
      const before = j ? below[j - 1]! * this.#beside[j - 1]! : 0;
      // Not below what rounding leaves of a positive matrix.
      pivots[j] = Math.max(this.#diagonal[j]! + p - before, 1e-3 * p);
      below[j] = this.#beside[j]! / pivots[j]!;
    }
    return [pivots, below];
  }
}

/** H A H for H = 1 - scale v vᵀ, in the rows and columns from `first` on; the lower half alone. */
function reflect(a: Float64Array, n: number, first: number, v: Float64Array, scale: number): void {
  const p = new Float64Array(n); // scale A v
  for (let i = first; i < n; i++) {
    const [row, own] = [i * n, v[i]!];
    let sum = a[row + i]! * own;
    for (let j = first; j < i; j++) {
      sum += a[row + j]! * v[j]!;
      p[j]! += a[row + j]! * own;
    }
    p[i]! += sum;
  }
  let along = 0;
  for (let i = first; i < n; i++) along += (p[i]! *= scale) * v[i]!;
  for (let i = first; i < n; i++) p[i]! -= (scale / 2) * along * v[i]!;
  for (let i = first; i < n; i++) {
    const [row, own, other] = [i * n, v[i]!, p[i]!];
    for (let j = first; j <= i; j++) a[row + j]! -= own * p[j]! + other * v[j]!;
  }
}

/** The product of all reflections, whose vectors are in the columns of `a`. */
function product(a: Float64Array, n: number, scales: Float64Array): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let k = n - 2; k >= 0; k--) {
    if (!scales[k]) continue;
    const u = new Float64Array(n);
    for (let i = k + 1; i < n; i++) {
      const own = a[i * n + k]!;
      for (let j = k + 1; j < n; j++) u[j]! += own * q[i * n + j]!;
    }
    for (let i = k + 1; i < n; i++) {
      const own = scales[k]! * a[i * n + k]!;
      for (let j = k + 1; j < n; j++) q[i * n + j]! -= own * u[j]!;
    }
  }
  return q;
}
