// Finds the end of a thought whose opening tag the template of the model has written, so that the
// reply has only the closing one.

const closings = ["</think>", "</thinking>"];
const closing = /<\/think(?:ing)?>/;

/** Reads the first text of a reply. It may be cut at any position. */
export class LoneClosing {
  #told = "";
  #isOver = false;
  /** The end of the text, if it may be the beginning of a tag. */
  held = "";

  /**
   * What can be told of the text now, and, if a thought ends in it, what follows the tag. Only the
   * first tag counts, and not if it is quoted or has an opening tag: then the text is about tags.
   */
  read(text: string): { readonly said: string; readonly rest?: string } {
    if (this.#isOver) return { said: text };
    const all = this.held + text;
    this.held = "";
    const found = closing.exec(all);
    if (found === null) {
      const kept = Math.max(...closings.map((tag) => overlap(all, tag)));
      const said = all.slice(0, all.length - kept);
      this.held = all.slice(said.length);
      this.#told += said;
      return { said };
    }
    const said = all.slice(0, found.index);
    this.#isOver = true;
    if (isAboutTags(this.#told + said)) return { said: all };
    return { said, rest: all.slice(found.index + found[0].length) };
  }
}

function isAboutTags(before: string): boolean {
  if (/<think(?:ing)?>/.test(before)) return true;
  // Inside a block of code.
  if (before.split("```").length % 2 === 0) return true;
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const last = line.at(-1) ?? "";
  return /["'`]/.test(last) && line.split(last).length % 2 === 0;
}

/** How many characters at the end of a text may be the beginning of a tag. */
export function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (tag.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
