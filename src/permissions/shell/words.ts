import type { Word, WordPart } from "unbash";
import type { ShellWord } from "./shellLine.js";

/** Reads a word of the parser's. */
export function readWord(word: Word): ShellWord {
  const isStatic = word.parts?.every(isStaticPart) ?? true;
  return { text: isStatic ? word.value : word.text, isStatic };
}

function isStaticPart(part: WordPart): boolean {
  switch (part.type) {
    case "Literal":
    case "SingleQuoted":
    case "AnsiCQuoted":
      return true;
    case "DoubleQuoted":
    case "LocaleString":
      return part.parts.every(isStaticPart);
    default:
      return false;
  }
}

const plainWord = /^[\w@%+=:,./~^-]+$/;

/** Words as one would type them: quoted where they need it. */
export function renderQuoted(words: readonly ShellWord[]): string {
  return words
    .map(({ text, isStatic }) =>
      !isStatic || plainWord.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`,
    )
    .join(" ");
}

/** Words without quotes. */
export function renderPlain(words: readonly ShellWord[]): string {
  return words.map(({ text }) => text).join(" ");
}

/** The words that the braces of a word stand for: `{a,b}c` is `ac bc`. Bounded. */
export function expandBraces(word: ShellWord): ShellWord[] {
  let texts = [word.text];
  for (let round = 0; round < 4 && texts.length < 64; round++) {
    texts = texts.flatMap((text) => {
      const parts = /^(.*?)\{([^{}]*,[^{}]*)\}(.*)$/s.exec(text);
      const [, before, list, after] = parts ?? [];
      if (before === undefined || list === undefined || after === undefined) return [text];
      return list.split(",").map((one) => before + one + after);
    });
  }
  return texts.map((text) => ({ text, isStatic: false }));
}
