/** The page that `bakeoff serve` serves: all rooms. */
import { mount } from "svelte";
import App from "./App.svelte";
import { ServedModels } from "./lib/served.ts";
import { ServedShelf } from "./lib/shelves.ts";
import { ServedStudies } from "./lib/studies.ts";
import "./style/base.css";

mount(App, {
  target: document.getElementById("page")!,
  props: {
    page: {
      rooms: {
        try: () => import("./rooms/try/Try.svelte"),
        compare: () => import("./rooms/compare/Compare.svelte"),
        data: () => import("./rooms/data/Data.svelte"),
        train: () => import("./rooms/train/Train.svelte"),
        tune: () => import("./rooms/tune/Tune.svelte"),
      },
      shelf: new ServedShelf(),
      studies: new ServedStudies(),
      models: new ServedModels(),
    },
  },
});
