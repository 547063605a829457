/** The text of rooms.ts without the imports of rooms that none of `pages` has.
 *
 * A report is one file: with all rooms it would be 486 kB instead of 355.
 */
export function withRoomsOf(pages: readonly string[], code: string): string {
  const room = /\[([^[\]]*)\],\s*\(\) => import\("[^"]*"\)/g;
  return code.replace(room, (whole, of: string) =>
    pages.some((page) => of.includes(`"${page}"`))
      ? whole
      : `[${of}], () => Promise.reject(new Error("This page has no such room."))`,
  );
}

/** The groups of texts that one or two rooms alone use; all others are everywhere. */
const TEXTS: Record<string, readonly string[]> = {
  try: ["try", "keep"],
  teach: ["teach", "set"], // it draws and records as Train does
  compare: [
    ...["compare", "view", "bars", "chips", "before", "breakdown", "calibration", "classes"],
    ...["confusion", "strengths", "cost", "filter", "folds", "trust", "leader", "learning"],
    ...["mistakes", "next", "measure", "pairs", "drawer", "reading", "robust", "sides"],
    ...["verdict", "fact"],
  ],
  data: [
    ...["data", "copies", "gallery", "groups", "health", "labels", "left", "odd", "oddKind"],
    ...["unchecked", "summary", "balance"],
  ],
  train: ["train", "set", "drop", "named", "runs", "more", "watch", "label"],
  tune: ["tune"],
};

/** The groups of texts that nothing but the other rooms uses. */
export function foreignTexts(room: string | undefined): string[] {
  const own = TEXTS[room ?? ""] ?? [];
  return Object.values(TEXTS)
    .flat()
    .filter((group) => !own.includes(group));
}

const OF_A_SERVER = ["error", "folds", "what", "why", "named", "failed"]; // a report and a static page have none

/** A catalogue of the server's sentences with those that a build can show. */
export function withSentencesOf(ship: "app" | "report" | "browser", json: string): string {
  if (ship === "app") return json;
  const all = ship === "browser" ? [] : Object.entries(JSON.parse(json) as Record<string, string>);
  const kept = all.filter(([code]) => !OF_A_SERVER.includes(code.split(".")[0]!));
  return JSON.stringify(Object.fromEntries(kept));
}

/** The texts of the rooms that are not the first one, or all others: the app loads those first. */
export function withTextsOfRooms(rooms: boolean, json: string): string {
  const later = foreignTexts("try").filter((group) => group !== "teach");
  const kept = Object.entries(JSON.parse(json) as Record<string, unknown>).filter(
    ([key]) => later.includes(key.split(".")[0]!) === rooms && !key.startsWith("teach."),
  );
  return JSON.stringify(Object.fromEntries(kept));
}

/** A catalogue of texts without those of rooms that none of `pages` has, by the text of rooms.ts.
 *
 * A report holds all languages: 240 kB of texts, without those of Try and Train.
 */
export function withTextsOf(pages: readonly string[], rooms: string, json: string): string {
  const found = [...rooms.matchAll(/room\("(\w+)",[^[]*\[([^\]]*)\]/g)];
  const textsOf = (there: boolean) =>
    found
      .filter(([, , of]) => pages.some((page) => of!.includes(`"${page}"`)) === there)
      .flatMap(([, name]) => TEXTS[name!] ?? []);
  const used = new Set(textsOf(true));
  const missing = textsOf(false).filter((group) => !used.has(group));
  const kept = Object.entries(JSON.parse(json) as Record<string, unknown>).filter(
    ([key]) => !missing.includes(key.split(".")[0]!),
  );
  return JSON.stringify(Object.fromEntries(kept));
}
