/** The report of a run, of a search of settings or of a check of pictures: what can be known
 * without a server. */
import { mount } from "svelte";
import App from "./App.svelte";
import type { Page } from "./lib/page.ts";
import { CarriedShelf } from "./lib/shelves.ts";
import { CarriedStudy } from "./lib/studies.ts";
import "./style/base.css";

const carried = document.querySelector("script[type='application/gzip']")!;
carried.remove(); // megabytes that nobody needs twice

const compare = () => import("./rooms/compare/Compare.svelte");
const data = () => import("./rooms/data/Data.svelte");
const page: Page =
  carried.id === "study"
    ? {
        rooms: { tune: () => import("./rooms/tune/Tune.svelte") },
        shelf: null,
        studies: new CarriedStudy(carried.textContent),
        models: null,
      }
    : {
        rooms: carried.id === "check" ? { data } : { compare, data },
        shelf: new CarriedShelf(carried.textContent),
        studies: null,
        models: null,
      };

mount(App, { target: document.getElementById("page")!, props: { page } });
