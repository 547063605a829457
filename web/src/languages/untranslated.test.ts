/** No component shows words of its own: each text is in the catalogues. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, type AST } from "svelte/compiler";
import { expect, it } from "vitest";

const SOURCE = new URL("..", import.meta.url).pathname;
const SPOKEN = ["aria-label", "aria-description", "alt", "label", "placeholder", "title"];
const WORD = /\p{L}{3,}/u;
// Names of things, the same in every language.
const NAMES =
  /\b(bakeoff\S*|corrections\.csv|settings\.toml|GitHub|PyTorch|ONNX|CSV|PNG|Python|curl|JavaScript|pip|auto)\b/g;

interface Node {
  type: string;
  name?: string;
  data?: string;
  value?: unknown;
  [key: string]: unknown;
}

/** The texts of a component that a reader would see or hear. */
function textsIn(source: string): string[] {
  const found: string[] = [];
  const note = (text: string) => {
    const left = text.replace(NAMES, "");
    if (WORD.test(left)) found.push(text.trim());
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!node || typeof node !== "object") return;
    const one = node as Node;
    if (one.type === "RegularElement" && ["code", "kbd", "pre"].includes(one.name!)) return;
    if (one.type === "StyleDirective") return visitExpressions(one.value);
    if (one.type === "Attribute") {
      if (!SPOKEN.includes(one.name!)) return visitExpressions(one.value);
      return visit(one.value);
    }
    if (one.type === "Text") return note(one.data!);
    if (one.type === "ExpressionTag") noteShown(one.expression as Node);
    Object.values(one).forEach(visit);
  };
  // What an expression in a text can come to, where it is written there.
  const noteShown = (node: Node): void => {
    if (node.type === "Literal" && typeof node.value === "string") note(node.value);
    const parts = ["consequent", "alternate", "left", "right"].map((name) => node[name] as Node);
    if (/^(Conditional|Logical)Expression$/.test(node.type)) {
      parts.filter((part) => part && part !== node.test).forEach(noteShown);
    }
    for (const quasi of (node.quasis ?? []) as { value: { cooked: string } }[]) {
      note(quasi.value.cooked);
    }
  };
  // A snippet or a child in an attribute's value is no text of the attribute.
  const visitExpressions = (value: unknown): void => {
    for (const part of [value].flat() as (Node | true)[]) {
      if (part !== true && part.type !== "Text") visit(part.expression);
    }
  };
  visit((parse(source, { modern: true }) as AST.Root).fragment.nodes);
  return found;
}

it("finds texts in markup and in what is read aloud, and nothing else", () => {
  expect(textsIn('<p class="some faint">Hello {name}</p>')).toEqual(["Hello"]);
  expect(textsIn('<button aria-label="Close it">×</button>')).toEqual(["Close it"]);
  expect(textsIn('<Empty title="No runs"><code>bakeoff run</code></Empty>')).toEqual(["No runs"]);
  expect(textsIn("<p>{a ? ' by epoch' : `, at ${b}`}{c === 'out of fold'}</p>")).toEqual([
    "by epoch",
  ]);
  expect(textsIn('<p title={t("a.b")}>{#if a}{t("a.b")}{:else}corrections.csv{/if}</p>')).toEqual(
    [],
  );
});

it("no component has any", () => {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  const found = files
    .filter((name) => name.endsWith(".svelte"))
    .flatMap((name) =>
      textsIn(readFileSync(join(SOURCE, name), "utf8")).map((text) => `${name}: ${text}`),
    );
  expect(found).toEqual([]);
});
