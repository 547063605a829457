import { t } from "../../lib/language.svelte.ts";
import { bitmapOf } from "../../lib/picture.ts";

const LATE = 150; // ms until the picture before is taken away: less would flicker

/** The picture in place of the canvas, or behind the occlusion map. */
export class Preview {
  picture = $state.raw<ImageBitmap | null>(null);
  /** Why there is none. */
  problem = $state<string | null>(null);

  /** Show `file`; the function returned leaves it to whatever is shown next. */
  show(file: File | null): () => void {
    let current = true;
    const put = (picture: ImageBitmap | null, problem: string | null): void => {
      if (current) [this.picture, this.problem] = [picture, problem];
    };
    if (!file) {
      put(null, t("try.several"));
      return () => {};
    }
    // A photo of 12 megapixels takes a second; the picture before it has another name.
    const late = setTimeout(put, LATE, null, null);
    bitmapOf(file)
      .then(
        (picture) => put(picture, null),
        () => put(null, t("try.cannotShow")),
      )
      .finally(() => clearTimeout(late));
    return () => {
      current = false;
      clearTimeout(late);
    };
  }
}
