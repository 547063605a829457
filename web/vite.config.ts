import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";
import { withRoomsOf, withTextsOf } from "./own-rooms.ts";

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
    test: { include: ["src/**/*.test.ts"], setupFiles: ["src/languages/setup.ts"] },
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
      if (!/\/src\/languages\/\w+\.json$/.test(id)) return null;
      return withTextsOf(PAGES[ship], readFileSync("src/rooms.ts", "utf8"), code);
    },
  };
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
