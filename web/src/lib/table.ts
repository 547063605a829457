/** Tables for spreadsheets, safe from formula injection: `record/tables.py` in TypeScript. */

export type Row = (string | number)[];

export function table(rows: readonly Row[]): string {
  return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** Texts that a spreadsheet would evaluate get a leading apostrophe. */
function cell(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Save a text or a blob as a file. */
export function download(content: string | Blob, name: string, type = "text/csv"): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // long after the browser has read it
}
