/** Dialogs over the page. */

/** Open a dialog; the page behind it keeps its place, and no strip beside the dialog for its
 * scrollbar (see base.css). */
export function openModal(dialog: HTMLDialogElement): void {
  const root = document.documentElement;
  if (!document.querySelector("dialog:modal")) {
    const gutter = innerWidth - root.getBoundingClientRect().width;
    root.style.setProperty("--gutter", `${gutter}px`);
  }
  dialog.showModal();
}
