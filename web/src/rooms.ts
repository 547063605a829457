/** The rooms of the page, in the order of the menu. A new room is a component and a line here. */
import { room, type Room } from "./lib/menu.ts";

export const ROOMS: readonly Room[] = [
  room("try", "Try", "run", ["app", "browser"], () => import("./rooms/try/Try.svelte")),
  room("teach", "Teach", "run", ["browser"], () => import("./rooms/teach/Teach.svelte"), "teacher"),
  room("compare", "Compare", "run", ["app", "run"], () => import("./rooms/compare/Compare.svelte")),
  room("data", "Data", "run", ["app", "run", "check"], () => import("./rooms/data/Data.svelte")),
  room("train", "Train", "runs", ["app"], () => import("./rooms/train/Train.svelte")),
  room("tune", "Tune", "study", ["app", "study"], () => import("./rooms/tune/Tune.svelte")),
];
