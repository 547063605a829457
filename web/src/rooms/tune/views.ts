/** The properties of every view of a study. */
import type { Search, StudyView } from "./study.ts";

export interface ViewProps {
  /** The name of the study on its shelf. */
  name: string;
  view: StudyView;
  /** The current search, and its position in the study, which determines colour and shape. */
  search: Search;
  number: number;
}
