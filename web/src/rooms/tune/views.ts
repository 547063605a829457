/** What every view of a study is given. */
import type { Search, StudyView } from "./study.ts";

export interface ViewProps {
  /** Of the study, as its shelf calls it. */
  name: string;
  view: StudyView;
  /** The approach that is looked at, and its place in the study: its colour and shape. */
  search: Search;
  number: number;
}
