/** The text of rooms.ts without the imports of rooms that none of `pages` has.
 *
 * A report is one file: with all rooms it would be 486 kB instead of 355.
 */
export function withRoomsOf(pages: readonly string[], code: string): string {
  const room = /\[([^[\]]*)\],\s*\(\) => import\("[^"]*"\)/g;
  return code.replace(room, (whole, of: string) =>
    pages.some((page) => of.includes(`"${page}"`))
      ? whole
      : `[${of}], () => Promise.reject(new Error("This page has no such room."))`,
  );
}
