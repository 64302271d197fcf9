// How the names of files are put into a list. A name may hold anything but `/` and NUL: line breaks
// and escape sequences, with which it could pass for entries that are not there.

/** What ends a line or moves a cursor. JSON itself escapes a part of it. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
/** What could be taken for the list's own: its indentation, its arrow, its quotation marks. */
const misleading = /^[\s"]|\s$| -> |[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A name or path as it is, or as a JSON string where it could pass for something else in a list. */
export function shownName(name: string): string {
  if (!misleading.test(name)) return name;
  return JSON.stringify(name).replace(controls, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
