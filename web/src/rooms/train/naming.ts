/** Files chosen for a set, and names for it. */
import { isLitter, type Named } from "../../lib/dropped.ts";
import { t } from "../../lib/language.svelte.ts";

/** The files of a file chooser; a chooser of folders adds their paths. */
export function chosen(files: Iterable<File>): Named[] {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => !path.split("/").some(isLitter));
}

/** A proposed name: that of the only folder or file, with the allowed characters. */
export function nameFor(files: readonly Named[]): string {
  const tops = new Set(files.map(({ path }) => path.split("/")[0]!));
  if (tops.size !== 1) return "pictures";
  const [top = ""] = tops;
  const plain = files.length === 1 ? top.replace(/\.[A-Za-z0-9]{1,5}$/, "") : top;
  const name = plain
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}_ -]+/gu, " ")
    .replace(/ +/g, " ")
    .replace(/^[ -]+/, "")
    .trim();
  return name.slice(0, 60) || "pictures";
}

/** Why a text cannot be the name of a set; null if it can. The server applies the same rule. */
export function nameProblem(name: string, taken: readonly string[]): string | null {
  if (!name.trim()) return t("set.setName");
  if (!/^[\p{L}\p{N}_][\p{L}\p{N}\p{M}_ -]{0,59}$/u.test(name.trim())) return t("set.setLetters");
  if (taken.includes(name.trim())) return t("set.setExists");
  return null;
}

/** Why a name cannot be that of a class; null if it can. */
export function unfitClass(name: string): string | null {
  if (!name) return t("set.className");
  if (/[/\\:*?"<>|]|--|^[.-]|[.-]$/.test(name)) return t("set.classLetters");
  return null;
}
