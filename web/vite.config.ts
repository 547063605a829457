import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { withRoomsOf, withSentencesOf, withTextsOf, withTextsOfRooms } from "./own-rooms.ts";

// One source, three builds: the app that `bakeoff serve` serves, the report (one file), and a
// folder whose models run in the browser.
const SHIPS = { app: "index.html", report: "report.html", browser: "browser.html" } as const;
type Ship = keyof typeof SHIPS;
// The kinds of page that a build serves, as rooms.ts names them.
const PAGES: Record<Ship, string[]> = {
  app: ["app"],
  report: ["run", "check", "study"],
  browser: ["browser"],
};

export default defineConfig(({ mode }) => {
  const ship: Ship = mode in SHIPS ? (mode as Ship) : "app";
  return {
    base: "./",
    plugins: [
      ownRooms(ship),
      wholeTexts(),
      svelte(),
      ...(ship === "report" ? [viteSingleFile()] : []),
      ...(ship === "app" ? [] : [policy()]), // the app's is a header
      named(ship),
    ],
    publicDir: ship === "report" ? false : "public",
    build: {
      outDir: `../src/bakeoff/web/${ship}`,
      emptyOutDir: true,
      target: "es2022",
      reportCompressedSize: true,
      rolldownOptions: { input: SHIPS[ship] },
      // A report is one file; elsewhere small assets stay files, as the content policy requires.
      assetsInlineLimit: ship === "report" ? Number.MAX_SAFE_INTEGER : 0,
      modulePreload: { polyfill: false },
      license: ship === "report" ? false : { fileName: "licences.md" },
    },
    worker: { format: "es" as const },
    server: { proxy: { "/api": "http://127.0.0.1:8471" } },
    test: {
      include: ["src/**/*.test.ts"],
      setupFiles: ["src/languages/setup.ts"],
      pool: "threads", // 13 s of processor time; in processes of their own, 17 s
      testTimeout: 60_000, // no test is timed: machines are busy
    },
  };
});

/** Lets a page run the scripts inside of it and no others: SCRIPTS and STYLES become their hashes. */
function policy(): Plugin {
  const hashes = (html: string, tag: string) =>
    [...html.matchAll(new RegExp(`<${tag}(?![^>]*application)[^>]*>([\\s\\S]+?)</${tag}>`, "g"))]
      .map(([, text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`)
      .join(" ");
  return {
    name: "policy",
    // After writing: only then is everything inlined.
    writeBundle({ dir }) {
      const file = join(dir!, "index.html");
      const html = readFileSync(file, "utf8");
      writeFileSync(
        file,
        html.replace("SCRIPTS", hashes(html, "script")).replace("STYLES", hashes(html, "style")),
      );
    },
  };
}

/** Leaves out of a build the components and texts of rooms that none of its pages has. */
function ownRooms(ship: Ship): Plugin {
  return {
    name: "own-rooms",
    enforce: "pre",
    apply: "build",
    transform: (code, id) => {
      if (id.endsWith("/src/rooms.ts")) return withRoomsOf(PAGES[ship], code);
      const [file] = id.split("?") as [string];
      if (!/\/src\/languages\/(said\/)?\w+\.json$/.test(file)) return null;
      const json = textsOf(ship, file, file !== id, code);
      // Vite reads JSON by its ending alone.
      if (file !== id) return { code: `export default ${json}`, moduleType: "js" };
      // A report holds all languages, in one file: packed they take a third.
      if (ship !== "report" || basename(file) === "en.json") return json;
      return JSON.stringify({ packed: gzipSync(json).toString("base64") });
    },
  };
}

/** Outside of a build a catalogue is whole from the start, so nothing comes with the rooms. */
function wholeTexts(): Plugin {
  const nothing = { code: "export default {}", moduleType: "js" };
  return {
    name: "whole-texts",
    enforce: "pre",
    apply: "serve",
    transform: (_, id) => (id.endsWith(".json?rooms") ? nothing : null),
  };
}

/** What a build has of a catalogue: of the server's sentences, of the rooms, or of the first one. */
function textsOf(ship: Ship, file: string, rooms: boolean, json: string): string {
  if (file.includes("/said/")) return withSentencesOf(ship, json);
  if (ship === "app") return withTextsOfRooms(rooms, json);
  if (rooms) return "{}"; // it has all texts from the start
  return withTextsOf(PAGES[ship], readFileSync("src/rooms.ts", "utf8"), json);
}

/** Every build begins at index.html. */
function named(ship: Ship): Plugin {
  return {
    name: "index",
    enforce: "post",
    generateBundle(_, bundle) {
      const page = bundle[SHIPS[ship]];
      if (page) page.fileName = "index.html";
    },
  };
}
