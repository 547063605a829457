/** Sets in the home folder of the server: pictures with their class. */
import { get, Refused, send } from "./api.ts";
import type { Keeper, Kept } from "./models.ts";
import { asPicture } from "./picture.ts";

interface SetSummary {
  name: string;
  pictures: number;
  editable: boolean;
}

export class ServedSets implements Keeper {
  async sets(): Promise<string[] | null> {
    try {
      const found = await get<SetSummary[]>("/api/sets");
      return found.filter((one) => one.editable).map((one) => one.name);
    } catch (error) {
      if (error instanceof Refused && [403, 404, 405].includes(error.status)) return null;
      throw error;
    }
  }

  async keep(set: string, picture: File, label: string, group: string): Promise<Kept> {
    const form = new FormData();
    form.append("label", label);
    if (group) form.append("group", group);
    form.append("file", await asPicture(picture));
    const { id } = await send<{ id: string }>("POST", `${at(set)}/pictures?create=true`, form);
    return { set, id, label, pictures: await this.#count(set) };
  }

  async forget(kept: Kept): Promise<void> {
    await send(
      "DELETE",
      `${at(kept.set)}/pictures/${kept.id.split("/").map(encodeURIComponent).join("/")}`,
    );
  }

  async #count(set: string): Promise<number | null> {
    return get<SetSummary>(at(set)).then(
      (found) => found.pictures,
      () => null, // the picture is kept anyway
    );
  }
}

function at(set: string): string {
  return `/api/sets/${encodeURIComponent(set)}`;
}
