/** Requests to the server that serves this page. Its types are generated from its OpenAPI document. */
import { speakEverywhere, t } from "./language.svelte.ts";
import { MadeFile } from "./png.ts";
import { about, said } from "./said.ts";
import type { components } from "./schema.d.ts";
import { token } from "./token.svelte.ts";

export type Schema = components["schemas"];

/** A refusal of the server in its own words: subject, problem and hint. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** What can be read besides what the hint names. */
    readonly formats: readonly string[] = [],
  ) {
    super(detail);
  }
}

/** The headers with the reader's token, if there is one. */
export function credentials(): Record<string, string> {
  return token.value ? { Authorization: `Bearer ${token.value}` } : {};
}

interface Body {
  detail: unknown;
  said: Schema["Message"];
  /** What its readers read, by their names. */
  formats: Record<string, string>;
}

/** The refusal for a status and a body such as `{"detail": "…"}`. */
export function refusal(status: number, body: unknown): Refused {
  const { detail, said: message, formats = {} } = (body ?? {}) as Partial<Body>;
  const words = detail ? said(message, String(detail)) : "";
  const others = Object.entries(formats).map(([name, words]) => about("reader", name, words));
  return new Refused(status, words || t("server.status", { status: String(status) }), others);
}

/** An address of the API, below the path under which this page is served. */
export function addressOf(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}

/** Fetch, and throw a refusal unless the response is OK. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  for (const [name, value] of Object.entries(credentials())) headers.set(name, value);
  let response: Response;
  try {
    response = await fetch(addressOf(path), { ...options, headers });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, t("server.silent"));
  }
  if (response.ok) return response;
  if (response.status === 401) token.wanted = true;
  const body: unknown = await response.json().catch(() => null);
  await speakEverywhere().catch(() => undefined); // without its sentences the refusal is English
  throw refusal(response.status, body);
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
  const bytes = body instanceof MadeFile ? body.content : null;
  const raw = bytes ?? (body instanceof FormData || body instanceof Blob ? body : null);
  const options: RequestInit = { method, ...(signal && { signal }) };
  if (body) options.body = raw ?? JSON.stringify(body);
  if (body && !raw) options.headers = { "Content-Type": "application/json" };
  if (bytes) options.headers = { "Content-Type": (body as MadeFile).type };
  const response = await request(path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** What happens in a run: one of the events of the API, discriminated by `event`. */
export type RunEvent = Schema["RunEvent"];

/** The events of a run from its start, until it ends or the signal aborts.
 *
 * Read with fetch, as EventSource cannot send a token.
 */
export async function* events(run: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const response = await request(`/api/runs/${encodeURIComponent(run)}/events`, {
    signal,
    cache: "no-store",
  });
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
