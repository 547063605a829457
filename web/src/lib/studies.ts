/** The two shelves of studies: those of a server, and the one in a report. */
import { get, request, type Schema } from "./api.ts";
import { unpacked } from "./base64.ts";
import type { StudyShelf } from "./page.ts";

type View = Schema["StudyView"];
type Summary = Schema["StudySummary"];

/** Studies of the server that serves this page. */
export class ServedStudies implements StudyShelf {
  readonly live = true;

  list(): Promise<Summary[]> {
    return get("/api/studies");
  }

  open(name: string): Promise<View> {
    return get(`/api/studies/${encodeURIComponent(name)}`);
  }

  async table(study: string): Promise<Blob> {
    return (await request(`/api/studies/${encodeURIComponent(study)}/table`)).blob();
  }
}

/** The study in this very file. */
export class CarriedStudy implements StudyShelf {
  readonly live = false;
  readonly #view: Promise<View>;

  constructor(text: string) {
    this.#view = unpacked<View>(text);
  }

  async list(): Promise<Summary[]> {
    const { state, study } = await this.#view;
    return [{ name: study.name, state, changed: study.finished ?? study.created, searches: [] }];
  }

  open(): Promise<View> {
    return this.#view;
  }
}
