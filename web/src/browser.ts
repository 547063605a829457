/** The page without a server: its models run in the browser. */
import { mount } from "svelte";
import App from "./App.svelte";
import { preferred, speak } from "./lib/language.svelte.ts";
import { LocalModels } from "./lib/local.ts";
import { Page } from "./lib/page.ts";
import type { Teacher } from "./teach/teacher.svelte.ts";
import "./style/base.css";

const INDEX = "./models.json";
const models = new LocalModels(INDEX);

/** What teaches the first model that can be taught; null if none can. */
async function teacherOf(models: LocalModels): Promise<Teacher | null> {
  const file = await fetch(INDEX).catch(() => null); // Try says what is wrong with it
  const listed = file?.ok ? ((await file.json()) as { name: string; lessons?: string }[]) : [];
  const found = listed.find(({ lessons }) => lessons);
  if (!found?.lessons) return null;
  const { Teacher } = await import("./teach/teacher.svelte.ts");
  return new Teacher(models, found.name, new URL(found.lessons, document.baseURI).href);
}

const [teacher] = await Promise.all([teacherOf(models), speak(preferred())]);
const page = new Page("browser", { models, ...(teacher && { teacher }) });
mount(App, { target: document.getElementById("page")!, props: { page } });
