/** The report of a run: what can be known without a server. */
import { mount } from "svelte";
import App from "./App.svelte";
import { CarriedShelf } from "./lib/shelves.ts";
import "./style/base.css";

const carried = document.getElementById("run")!;
const shelf = new CarriedShelf(carried.textContent);
carried.remove(); // megabytes that nobody needs twice

mount(App, {
  target: document.getElementById("page")!,
  props: {
    page: {
      rooms: {
        compare: () => import("./rooms/compare/Compare.svelte"),
        data: () => import("./rooms/data/Data.svelte"),
      },
      shelf,
      models: null,
    },
  },
});
