/** Tests read English, as most readers do. */
import { speak } from "../lib/language.svelte.ts";

await speak("en");
