/** The report of a run, of a search of settings or of a check of pictures: it needs no server. */
import { mount } from "svelte";
import App from "./App.svelte";
import { preferred, speak } from "./lib/language.svelte.ts";
import { Page } from "./lib/page.ts";
import { CarriedShelf } from "./lib/shelves.ts";
import { CarriedStudy } from "./lib/studies.ts";
import "./style/base.css";

const data = document.querySelector("script[type='application/gzip']")!;
const text = data.textContent;
data.remove(); // megabytes that are not needed twice

const page =
  data.id === "study"
    ? new Page("study", { studies: new CarriedStudy(text) })
    : new Page(data.id === "check" ? "check" : "run", { shelf: new CarriedShelf(text) });

await speak(preferred());
mount(App, { target: document.getElementById("page")!, props: { page } });
