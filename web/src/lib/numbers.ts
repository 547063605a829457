/** Pictures as text: one picture in a file, or one in each row as on Kaggle. */
import type { Pixels } from "./pixels.ts";

export interface Written {
  name: string;
  pixels: Pixels;
  /** The class in the row of a table. */
  label?: string | null;
  /** How the text was read, where it could have been read otherwise: in the server's words. */
  note?: string;
}

const SMALLEST = 8; // side of a picture beside a label that looks like a column of its pixels
const LABELS = ["label", "labels", "class", "target", "category", "digit", "letter", "y"];

/** Parses the pictures in a text.
 *
 * With as many rows as columns and no words it is one picture, one number per pixel. Otherwise every
 * row is a picture; a column is its label if the rest makes a square.
 */
export function picturesIn(text: string, name: string): Written[] {
  const lines = text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim());
  const delimiter = delimiterOf(lines[0] ?? "");
  const cells = lines.map((line) => fields(line, delimiter));
  if (cells.length < 1 || cells[0]!.length < 2) throw refused(name, "it holds no numbers");
  if (isMatrix(cells)) {
    const [pixels, size] = [shaped(cells.map(parsed).flat(), cells.length, name, ""), cells.length];
    const note =
      `${name} was read as one picture of ${size}×${size} pixels, since it has as many rows as ` +
      "columns. With a header line it has one picture per row.";
    return [{ name, pixels, note }];
  }
  const named = cells[0]!.some((cell) => !isNumber(cell)) && cells.length > 1;
  const header =
    named && cells[0]!.filter((cell) => !isNumber(cell)).length * 2 >= cells[0]!.length;
  const label = labelColumn(header ? cells[0]! : null, cells[header ? 1 : 0]!.length, name);
  const rows = cells.slice(header ? 1 : 0);
  const labels = rows.map((row) => (label === null ? null : row[label]!));
  const values = rows.map((row) => parsed(row.filter((_, at) => at !== label)));
  const side = Math.sqrt(values[0]!.length);
  // One scale for all rows, so that a faint picture stays faint.
  const highest = values.reduce((most, row) => Math.max(most, ...row), 0);
  return values.map((row, at) => {
    const line = at + (header ? 2 : 1);
    const pixels = shaped(row, side, name, `row ${line}`, highest);
    return { name: `${name} row ${line}`, pixels, label: labels[at]! };
  });
}

/** Whether a table is one picture: `is_matrix` of the Python package.
 *
 * It has as many rows as columns, no words, and no label at either end of the rows: whole numbers
 * that count up beside a square picture whose numbers are higher.
 */
function isMatrix(cells: readonly string[][]): boolean {
  const width = cells[0]!.length;
  if (cells.length !== width || !cells.flat().every(isNumber)) return false;
  const side = Math.sqrt(width - 1);
  if (!Number.isInteger(side) || side < SMALLEST) return true;
  const inside = Math.max(...cells.flatMap((row) => row.slice(1, -1).map(Number)));
  return ![0, width - 1].some((at) => {
    const seen = cells.map((row) => Number(row[at]));
    const values = new Set(seen);
    if (!seen.every(Number.isInteger) || values.size < 2) return false;
    if (values.size > Math.max(10, width / 2)) return false;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return low >= 0 && low <= 1 && high - low + 1 === values.size && high < inside;
  });
}

/** Whether a text looks like rows of numbers. */
export function looksLikeNumbers(text: string): boolean {
  const lines = text
    .slice(0, 65536)
    .split(/\r?\n/, 3)
    .filter((line) => line.trim());
  const last = lines.length > 1 ? lines[1]! : (lines[0] ?? "");
  const cells = fields(last, delimiterOf(lines[0] ?? ""));
  return cells.length >= 4 && cells.filter(isNumber).length >= 0.8 * cells.length;
}

function labelColumn(header: string[] | null, width: number, name: string): number | null {
  if (header) {
    const at = header.findIndex((cell) => LABELS.includes(cell.toLowerCase()));
    if (at >= 0) return at;
  }
  if (Number.isInteger(Math.sqrt(width))) return null;
  if (Number.isInteger(Math.sqrt(width - 1))) return 0; // as on Kaggle
  throw refused(name, `a row has ${width} fields, which do not make a square picture`);
}

function shaped(
  values: readonly number[],
  side: number,
  name: string,
  where: string,
  highest = values.reduce((most, one) => Math.max(most, one), 0),
): Pixels {
  const at = where && `in ${where} `;
  if (values.length !== side * side) {
    throw refused(name, `${at}there are ${values.length} numbers, not ${side * side}`);
  }
  if (!values.every((value) => value >= 0 && value <= 255)) {
    throw refused(name, `${at}some values are not numbers from 0 to 255`);
  }
  const factor = highest > 0 && highest <= 1 ? 255 : 1;
  const data = Uint8Array.from(values, (one) => Math.round(one * factor));
  return { width: side, height: side, channels: 1, data };
}

function parsed(row: readonly string[]): number[] {
  return row.map((cell) => (isNumber(cell) ? Number(cell) : NaN));
}

function isNumber(cell: string): boolean {
  return cell !== "" && Number.isFinite(Number(cell));
}

function delimiterOf(line: string): string | RegExp {
  if (line.includes(";")) return ";";
  const [commas, tabs] = [line.split(",").length, line.split("\t").length];
  if (commas === 1 && tabs === 1) return /\s+/;
  return commas >= tabs ? "," : "\t";
}

function fields(line: string, delimiter: string | RegExp): string[] {
  return line
    .trim()
    .split(delimiter)
    .map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

function refused(name: string, problem: string): Error {
  return new Error(
    `${name}: ${problem}. Write one row of numbers for each row of pixels, or one row per picture.`,
  );
}
