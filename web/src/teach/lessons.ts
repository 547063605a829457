/** What a model learned from, so that it can learn more: the file that `bundle/teaching.py` writes. */

export interface Lessons {
  /** N×D, less what differs between views of one picture. */
  features: Float32Array;
  /** N class numbers. */
  labels: Int32Array;
  /** N numbers of the folds that held each picture out; -1 for none. */
  folds: Int32Array;
  width: number;
  nuisance: Nuisance;
  /** How much a picture of a rare class counts, 0 to 1. */
  balance: number;
}

/** Directions, D×R, in which views of one picture differ, and how much of each is kept. */
export interface Nuisance {
  directions: Float32Array;
  kept: Float32Array;
}

interface Tensor {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** From a safetensors file; throws if it is another one. */
export function lessonsOf(file: ArrayBuffer): Lessons {
  const length = Number(new DataView(file).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length))) as Record<
    string,
    Tensor
  > & { __metadata__?: { balance?: string } };
  const bytes = (name: string): ArrayBuffer => {
    const [start, end] = header[name]!.data_offsets;
    return file.slice(8 + length + start, 8 + length + end);
  };
  return {
    features: fromHalf(new Uint16Array(bytes("features"))),
    labels: new Int32Array(bytes("labels")),
    folds: new Int32Array(bytes("folds")),
    width: header["features"]!.shape[1]!,
    nuisance: {
      directions: fromHalf(new Uint16Array(bytes("directions"))),
      kept: new Float32Array(bytes("kept")),
    },
    balance: Number(header.__metadata__?.balance ?? 0),
  };
}

/** Features of a picture with less of the nuisance: `Nuisance.reduce` in training/ridge.py. */
export function reduced(x: Float32Array, { directions, kept }: Nuisance): Float32Array {
  const count = kept.length;
  if (!count) return x;
  const along = new Float64Array(count);
  for (let d = 0; d < x.length; d++)
    for (let r = 0; r < count; r++) along[r]! += x[d]! * directions[d * count + r]!;
  for (let r = 0; r < count; r++) along[r]! *= 1 - kept[r]!;
  return x.map((value, d) => {
    let much = 0;
    for (let r = 0; r < count; r++) much += along[r]! * directions[d * count + r]!;
    return value - much;
  });
}

/** Numbers of 16 bits (IEEE 754 binary16) as numbers of 32. */
export function fromHalf(bits: Uint16Array): Float32Array {
  const found = new Float32Array(bits.length);
  for (let n = 0; n < bits.length; n++) {
    const [half, sign] = [bits[n]!, bits[n]! & 0x8000 ? -1 : 1];
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    if (exponent === 31) found[n] = fraction ? NaN : sign * Infinity;
    else if (exponent) found[n] = sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
    else found[n] = sign * 2 ** -14 * (fraction / 1024);
  }
  return found;
}
