/** Tests read English, as most readers do, and know all texts. */
import { speak, speakEverywhere } from "../lib/language.svelte.ts";

await speak("en");
await speakEverywhere();
