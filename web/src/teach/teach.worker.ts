/** Solves in a worker of its own, so that drawing and answers never wait for it. */
import { lessonsOf, type Lessons } from "./lessons.ts";
import { known, teach, type Added, type Taught } from "./solve.ts";

export type Task =
  | { kind: "about"; lessons: string }
  | { kind: "teach"; lessons: string; added: Added[]; classes: number };

/** How many pictures of each class the model learned from. */
export interface About {
  counts: number[];
}

export interface Report {
  progress?: number;
  about?: About;
  taught?: Pick<Taught, "head" | "score" | "classes">;
  error?: string;
}

let lessons: Promise<Lessons> | undefined;
let before: ReturnType<typeof known> | undefined;

onmessage = async ({ data: task }: MessageEvent<Task>) => {
  const report = (report: Report) => postMessage(report);
  try {
    lessons ??= fetch(task.lessons).then(async (file) => {
      if (!file.ok) throw new Error(`${task.lessons.split("/").at(-1)} cannot be fetched.`);
      return lessonsOf(await file.arrayBuffer());
    });
    const found = await lessons;
    if (task.kind === "about") {
      const counts: number[] = [];
      for (const label of found.labels) counts[label] = (counts[label] ?? 0) + 1;
      report({ about: { counts: Array.from(counts, (count) => count ?? 0) } });
      return;
    }
    before ??= known(found);
    const { head, score, classes } = teach(found, before, task.added, task.classes, (progress) =>
      report({ progress }),
    );
    report({ taught: { head, score, classes } });
  } catch (error) {
    lessons = undefined; // the next try may succeed
    report({ error: error instanceof Error ? error.message : String(error) });
  }
};
