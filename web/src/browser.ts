/** The page without a server: models that run in this browser. */
import { mount } from "svelte";
import App from "./App.svelte";
import { LocalModels } from "./lib/local.ts";
import "./style/base.css";

mount(App, {
  target: document.getElementById("page")!,
  props: {
    page: {
      rooms: { try: () => import("./rooms/try/Try.svelte") },
      shelf: null,
      studies: null,
      models: new LocalModels("./models.json"),
    },
  },
});
