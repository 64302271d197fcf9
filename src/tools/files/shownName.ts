// How names of files are shown in a list. A name may contain every character except `/` and NUL.
// With line breaks and escape sequences it could look like further entries.

/** Characters that end a line or move a cursor. JSON itself escapes some of them. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
/** Text that could be taken for the list's own marks: indentation, arrow, quotation marks. */
const misleading = /^[\s"]|\s$| -> |[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A name or path unchanged, or as a JSON string if it could be misread in a list. */
export function shownName(name: string): string {
  if (!misleading.test(name)) return name;
  return JSON.stringify(name).replace(controls, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
