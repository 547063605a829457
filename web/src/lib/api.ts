/** Requests to the server that serves this page. Its types are made from its own description. */
import type { components } from "./schema.d.ts";
import { token } from "./token.svelte.ts";

export type Schema = components["schemas"];

/** What the server refuses, in its own words: what is wrong, and the mend. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/** What proves to the server that we may ask, where it wants that. */
export function credentials(): Record<string, string> {
  return token.value ? { Authorization: `Bearer ${token.value}` } : {};
}

/** The refusal of a status and a body, such as `{"detail": "…"}`. */
export function refusal(status: number, told: unknown): Refused {
  const detail = told && typeof told === "object" && "detail" in told ? String(told.detail) : "";
  return new Refused(status, detail || `The server answered ${status}.`);
}

/** Ask, and answer with the response if it is a good one. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  for (const [name, value] of Object.entries(credentials())) headers.set(name, value);
  let response: Response;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, "The server does not answer. Start it again with bakeoff serve.");
  }
  if (response.ok) return response;
  if (response.status === 401) token.wanted = true;
  throw refusal(response.status, await response.json().catch(() => null));
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, signal ? { signal } : {})).json() as Promise<T>;
}

/** Send JSON, a form or a file. */
export async function send<T>(
  method: "POST" | "DELETE",
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<T> {
  const raw = body instanceof FormData || body instanceof Blob;
  const options: RequestInit = { method, ...(signal && { signal }) };
  if (body) options.body = raw ? body : JSON.stringify(body);
  if (body && !raw) options.headers = { "Content-Type": "application/json" };
  const response = await request(path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export interface RunEvent {
  event: string;
  time: string;
  [detail: string]: unknown;
}

/** What happens in a run, from its beginning, until it ends or the signal says stop.
 *
 * Read with fetch, as EventSource can not send a token.
 */
export async function* events(run: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const response = await request(`/api/runs/${encodeURIComponent(run)}/events`, { signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) yield JSON.parse(data.slice(6)) as RunEvent;
    }
  }
}
