/** What to mend in a set, as a table that `bakeoff run --corrections` reads.
 *
 * A run writes its own; a report, which has no files, makes this one of what it carries. It acts
 * only where the run's own would, and leaves all else to whoever reads it.
 */
import type { Run } from "../../lib/run.ts";
import type { Row } from "../../lib/table.ts";

const SURE = 0.05; // of quality: below, where all agree, hardly a proposal was wrong

export function correctionRows(run: Run): Row[] {
  const health = run.results.health;
  const rows = new Map<number, Row>();
  const many = new Map<string, number>();
  for (const name of run.names) many.set(name, (many.get(name) ?? 0) + 1);
  // Of the locked test, and where a name says not which picture is meant, people decide.
  const free = (row: number) => run.part(row) !== "test" && many.get(run.names[row]!) === 1;
  for (const one of health?.suspects ?? []) {
    const all = one.agree.length > 1 && one.agree.length === run.approaches.length;
    const act = all && one.quality < SURE && free(one.index);
    const why = `${one.agree.join(", ") || "all together"}: ${one.proposed}`;
    rows.set(one.index, [
      act ? "relabel" : "keep",
      ...[one.name, one.label, one.proposed, why],
      one.quality.toFixed(4),
    ]);
  }
  for (const one of health?.odd ?? []) {
    const act = one.what === "empty" && free(one.index);
    const known = rows.get(one.index);
    if (known) known[4] = `${known[4]}; ${one.why}`;
    else rows.set(one.index, [act ? "leave out" : "keep", one.name, one.label, "", one.why, ""]);
  }
  const acting = (row: Row) => Number(row[0] === "keep");
  return [
    ["action", "name", "label", "proposed", "why", "quality"],
    ...[...rows.values()].sort((a, b) => acting(a) - acting(b)),
  ];
}
