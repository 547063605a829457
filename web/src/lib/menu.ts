/** What the menu shows and where its links lead, computed from the table of rooms and the address. */
import type { Component } from "svelte";
import { href, type Address } from "./address.ts";
import { named, speakEverywhere } from "./language.svelte.ts";

const FIRST = "try";

/** The served app, the report of a run, of a check or of a study, or models in the browser. */
export type PageKind = "app" | "run" | "check" | "study" | "browser";

export interface Room {
  /** The first part of its addresses. */
  name: string;
  title: string;
  /** What the second part names: a run, a study, or a page of its own, such as run/NAME. */
  shows: "run" | "runs" | "study";
  /** The pages that have it; the build for other pages leaves it out. */
  pages: readonly PageKind[];
  /** Its component, fetched when the room is first entered. */
  open: () => Promise<{ default: Component }>;
  /** What a page must have besides, for the room to be there. */
  needs?: "teacher" | undefined;
}

export function room(
  name: string,
  title: string,
  shows: Room["shows"],
  pages: readonly PageKind[],
  open: Room["open"],
  needs?: Room["needs"],
): Room {
  // The first load has the texts of the first room alone.
  const whole = async () => (await Promise.all([open(), speakEverywhere()]))[0];
  return { name, title, shows, pages, open: name === FIRST ? open : whole, needs };
}

/** The rooms of a kind of page, in the order of the menu. */
export function roomsOf(kind: PageKind, rooms: readonly Room[]): Room[] {
  return rooms.filter((room) => room.pages.includes(kind));
}

/** The room at an address, the first one at the empty address; undefined where there is none. */
export function roomAt({ path }: Address, rooms: readonly Room[]): Room | undefined {
  return path.length ? rooms.find((room) => room.name === path[0]) : rooms[0];
}

/** The run that is looked at; links to other rooms keep it. */
export function runAt({ path, query }: Address, room: Room | undefined): string | undefined {
  if (room?.shows === "study") return undefined;
  if (room?.shows === "runs") return path[1] === "run" ? path[2] : undefined;
  return path[1] ?? query.run;
}

/** A room's title in the language of the page; the rooms of others keep their own. */
export function titleOf(room: Room): string {
  return named("room", room.name, room.title);
}

/** The title of the browser's tab. */
export function titleAt(address: Address, room: Room | undefined): string {
  const name = room?.shows === "study" ? address.path[1] : runAt(address, room);
  return [room ? titleOf(room) : "bakeoff", ...(name ? [name] : []), "bakeoff"].join(" · ");
}

export interface MenuEntry {
  name: string;
  title: string;
  href: string;
  /** Whether it is the room that is open. */
  current: boolean;
}

export function menu(address: Address, rooms: readonly Room[]): MenuEntry[] {
  const here = roomAt(address, rooms);
  const run = runAt(address, here);
  return rooms.map((room) => ({
    name: room.name,
    title: titleOf(room),
    href: href(room.shows === "run" && run ? [room.name, run] : [room.name]),
    current: room === here,
  }));
}
