/** The page without a server: its models run in the browser. */
import { mount } from "svelte";
import App from "./App.svelte";
import { preferred, speak } from "./lib/language.svelte.ts";
import { LocalModels } from "./lib/local.ts";
import { Page } from "./lib/page.ts";
import "./style/base.css";

const page = new Page("browser", { models: new LocalModels("./models.json") });

await speak(preferred());
mount(App, { target: document.getElementById("page")!, props: { page } });
