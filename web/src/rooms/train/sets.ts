/** Requests about the sets in the home folder of the server. */
import {
  addressOf,
  credentials,
  get,
  refusal,
  Refused,
  request,
  send,
  type Schema,
} from "../../lib/api.ts";
import type { Named } from "../../lib/dropped.ts";
import { t } from "../../lib/language.svelte.ts";

export type SetSummary = Schema["SetSummary"];
export type PictureInfo = Schema["PictureInfo"] & { label: string };
export type NextPicture = Schema["NextPicture"];

/** The least number of pictures of a class for a useful run. */
export const ENOUGH = 10;

export function listSets(): Promise<SetSummary[]> {
  return get("/api/sets");
}

export function openSet(name: string): Promise<SetSummary> {
  return get(at(name));
}

/** One set; null if it does not exist yet, which is not an error. */
export async function findSet(name: string): Promise<SetSummary | null> {
  return (await listSets()).find((one) => one.name === name) ?? null;
}

export function deleteSet(name: string): Promise<void> {
  return send("DELETE", at(name));
}

export function listPictures(name: string): Promise<PictureInfo[]> {
  return get(`${at(name)}/pictures`);
}

/** The pictures of a set that wait for a label. */
export function listWaiting(name: string): Promise<Schema["PictureInfo"][]> {
  return get(`${at(name)}/waiting`);
}

/** Add a picture to a class; the first one creates the set. */
export function addPicture(
  name: string,
  label: string,
  group: string,
  file: Blob,
): Promise<PictureInfo> {
  const form = new FormData();
  form.append("label", label);
  if (group) form.append("group", group);
  form.append("file", file);
  return send("POST", `${at(name)}/pictures?create=true`, form);
}

/** Which pictures to label next, as a run sees them; without a run, by their looks. */
export function nextPictures(
  name: string,
  run: string | null,
  take: number,
): Promise<NextPicture[]> {
  return send("POST", `${at(name)}/next`, { run, take });
}

/** Give pictures another class, or none; they are returned with their new ids, in the given order. */
export function movePictures(
  name: string,
  pictures: readonly string[],
  label: string | null,
): Promise<PictureInfo[]> {
  return send("POST", `${at(name)}/move`, { pictures, label });
}

export function removePicture(name: string, id: string): Promise<void> {
  return send("DELETE", pictureAt(name, id));
}

/** The file of a picture, as it was given. */
export async function originalOf(name: string, id: string): Promise<Blob> {
  return (await request(`${pictureAt(name, id)}?original=true`)).blob();
}

/** To show it, as PNG; through `fetch`, as an `<img>` cannot send a token. */
export async function pictureBlob(name: string, id: string, signal?: AbortSignal): Promise<Blob> {
  return (await request(pictureAt(name, id), signal ? { signal } : {})).blob();
}

/** Upload a new set, reporting the share that has been sent, 0…1.
 *
 * By XMLHttpRequest, since fetch reports no progress of uploads.
 */
export function upload(
  name: string,
  files: readonly Named[],
  onsent: (share: number) => void,
  signal: AbortSignal,
): Promise<SetSummary> {
  const form = new FormData();
  form.append("name", name);
  for (const { path, file } of files) form.append("files", file, path);
  return new Promise((done, fail) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", addressOf("/api/sets"));
    for (const [header, value] of Object.entries(credentials()))
      sending.setRequestHeader(header, value);
    sending.responseType = "json";
    sending.upload.onprogress = (event) => onsent(event.total ? event.loaded / event.total : 0);
    sending.onload = () =>
      sending.status === 201
        ? done(sending.response as SetSummary)
        : fail(refusal(sending.status, sending.response));
    // A server that refuses during the upload closes the connection, and its message is lost.
    sending.onerror = () => fail(new Refused(0, t("drop.cutOff")));
    sending.onabort = () => fail(new DOMException(t("drop.stopped"), "AbortError"));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(form);
  });
}

function at(name: string): string {
  return `/api/sets/${encodeURIComponent(name)}`;
}

function pictureAt(name: string, id: string): string {
  return `${at(name)}/pictures/${id.split("/").map(encodeURIComponent).join("/")}`;
}
