/** The page that `bakeoff serve` serves. */
import { mount } from "svelte";
import App from "./App.svelte";
import { preferred, speak } from "./lib/language.svelte.ts";
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

await speak(preferred());
mount(App, { target: document.getElementById("page")!, props: { page } });
