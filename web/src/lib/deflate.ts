/** Packs bytes for zlib's readers, at once: for drawings, which are runs of white.
 *
 * A CompressionStream packs better, but needs several turns of the event loop: on a busy machine
 * they were a third of the time from ink to answers. This finds only runs of one byte and copies of
 * the line above, and writes one block of the fixed codes (RFC 1950, RFC 1951).
 */

const [SHORTEST, LONGEST] = [3, 258]; // bytes of a copy
const FARTHEST = 32_768;
const END = 256; // of the symbols; 257 and more begin a copy
const MODULUS = 65_521;

/** The first value of each code, and how many bits say which of its values is meant. */
type Ladder = readonly { first: number; bits: number }[];

const LENGTHS = ladder(SHORTEST, 28, (code) => Math.max(0, (code >> 2) - 1));
const DISTANCES = ladder(1, 30, (code) => Math.max(0, (code >> 1) - 1));
/** Codes of symbols and of distances, with their first bit lowest, as the stream has them. */
const SYMBOLS = Array.from({ length: 288 }, (_, symbol) => symbolCode(symbol));
const DISTANCE_CODES = DISTANCES.map((_, code) => reversed(code, 5));

function ladder(first: number, codes: number, bitsOf: (code: number) => number): Ladder {
  const steps = [];
  for (let code = 0; code < codes; code++) {
    const bits = bitsOf(code);
    steps.push({ first, bits });
    first += 1 << bits;
  }
  return steps;
}

function symbolCode(symbol: number): { code: number; bits: number } {
  if (symbol < 144) return { code: reversed(0x30 + symbol, 8), bits: 8 };
  if (symbol < 256) return { code: reversed(0x190 + symbol - 144, 9), bits: 9 };
  if (symbol < 280) return { code: reversed(symbol - 256, 7), bits: 7 };
  return { code: reversed(0xc0 + symbol - 280, 8), bits: 8 };
}

function reversed(value: number, bits: number): number {
  let found = 0;
  for (let bit = 0; bit < bits; bit++) found |= ((value >> bit) & 1) << (bits - 1 - bit);
  return found;
}

/** `data` in the format of zlib; `line`: bytes of a line, which is often like the one above. */
export function deflated(data: Uint8Array, line: number): Uint8Array<ArrayBuffer> {
  const out = new Bits(2 * data.length + 64);
  out.put(0x0178, 16); // deflate, in a window of 32 kB
  out.put(0b011, 3); // the last block, of fixed codes
  const back = line <= FARTHEST ? [1, line] : [1];
  for (let at = 0; at < data.length;) {
    const [distance, length] = longest(data, at, back);
    if (length < SHORTEST) out.symbol(data[at++]!);
    else {
      out.copy(length, distance);
      at += length;
    }
  }
  out.symbol(END);
  return out.ended(checksum(data));
}

/** The distance and the length of the longest copy of what came before. */
function longest(data: Uint8Array, at: number, distances: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0];
  const most = Math.min(LONGEST, data.length - at);
  for (const distance of distances) {
    if (distance > at) continue;
    let length = 0;
    while (length < most && data[at + length] === data[at + length - distance]) length++;
    if (length > best[1]) best = [distance, length];
    if (length === most) break;
  }
  return best;
}

class Bits {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #size = 0;
  #waiting = 0; // bits that fill no byte yet
  #count = 0;

  constructor(most: number) {
    this.#bytes = new Uint8Array(most);
  }

  put(value: number, bits: number): void {
    this.#waiting |= value << this.#count;
    this.#count += bits;
    while (this.#count >= 8) {
      this.#bytes[this.#size++] = this.#waiting & 255;
      this.#waiting >>>= 8;
      this.#count -= 8;
    }
  }

  symbol(symbol: number): void {
    const { code, bits } = SYMBOLS[symbol]!;
    this.put(code, bits);
  }

  copy(length: number, distance: number): void {
    if (length === LONGEST) this.symbol(285);
    else {
      const place = LENGTHS.findLastIndex(({ first }) => first <= length);
      this.symbol(END + 1 + place);
      this.put(length - LENGTHS[place]!.first, LENGTHS[place]!.bits);
    }
    const place = DISTANCES.findLastIndex(({ first }) => first <= distance);
    this.put(DISTANCE_CODES[place]!, 5);
    this.put(distance - DISTANCES[place]!.first, DISTANCES[place]!.bits);
  }

  /** All bytes, and the checksum after them. */
  ended(sum: number): Uint8Array<ArrayBuffer> {
    if (this.#count) this.put(0, 8 - this.#count);
    for (const shift of [24, 16, 8, 0]) this.#bytes[this.#size++] = (sum >>> shift) & 255;
    return this.#bytes.slice(0, this.#size);
  }
}

/** Adler-32. */
function checksum(data: Uint8Array): number {
  let [a, b] = [1, 0];
  for (let at = 0; at < data.length;) {
    const end = Math.min(data.length, at + 3800); // as far as the sums fit 32 bits
    for (; at < end; at++) {
      a += data[at]!;
      b += a;
    }
    a %= MODULUS;
    b %= MODULUS;
  }
  return ((b << 16) | a) >>> 0;
}
