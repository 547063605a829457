/** Requests that start and change searches. */
import { get, send, type Schema } from "../../lib/api.ts";

export type Choices = Schema["Choices"];
/** The options of a search that the page sets; the others keep their defaults. */
export type NewSearch = Pick<
  Schema["NewSearch"],
  "set" | "approaches" | "trials" | "seconds" | "budget"
>;

export function choices(): Promise<Choices> {
  return get("/api/training");
}

/** The name of the study that was started. */
export async function start(search: NewSearch): Promise<string> {
  return (await send<Schema["StartedSearch"]>("POST", "/api/studies", search)).study;
}

export function stop(name: string): Promise<unknown> {
  return send("POST", `${at(name)}/cancel`);
}

export function resume(name: string): Promise<unknown> {
  return send("POST", `${at(name)}/resume`);
}

export function remove(name: string): Promise<void> {
  return send("DELETE", at(name));
}

function at(name: string): string {
  return `/api/studies/${encodeURIComponent(name)}`;
}
