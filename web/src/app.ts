/** The page that `bakeoff serve` serves. */
import { mount } from "svelte";
import App from "./App.svelte";
import { Page } from "./lib/page.ts";
import { ServedModels } from "./lib/served.ts";
import { ServedShelf } from "./lib/shelves.ts";
import { ServedStudies } from "./lib/studies.ts";
import "./style/base.css";

const page = new Page("app", {
  shelf: new ServedShelf(),
  studies: new ServedStudies(),
  models: new ServedModels(),
});

mount(App, { target: document.getElementById("page")!, props: { page } });
