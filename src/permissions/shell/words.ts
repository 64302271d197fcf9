import type { CommandArgument, Word, WordPart } from "unbash";
import { computedMark, type ShellWord } from "./shellLine.js";

/** Reads a word of the parser's. */
export function readWord(word: Word): ShellWord {
  const parts = word.parts;
  // A word of one literal piece has no parts.
  if (parts === undefined) return literalOrGlob(word.text, word.value);
  const shape = parts.map(shapeOf).join("");
  const isStatic = !shape.includes(computedMark);
  const isSplit = !isStatic && parts.some(isSplitAtBlanks);
  const beginsOpen = /^[-\0]/.test(shape) && !/^"?\$[?#$!]/.test(word.text);
  const mayBeOption = isSplit || (!isStatic && beginsOpen);
  // The names of matching files begin as the pattern does.
  const canSplit = isSplit || (!isStatic && parts.some(isPattern));
  return { text: isStatic ? word.value : word.text, isStatic, shape, mayBeOption, canSplit };
}

/** Reads an argument, which may be an assignment of `export` and its kind. */
export function readArgument(argument: CommandArgument): ShellWord {
  if (argument.type === "Word") return readWord(argument);
  const { name, value, text } = argument;
  if (value.type !== "Word" || argument.index !== undefined || argument.append === true) {
    return computedWord(text);
  }
  const read = readWord(value);
  return {
    text: read.isStatic ? `${name}=${read.text}` : text,
    isStatic: read.isStatic,
    shape: `${name}=${read.shape}`,
    // If the value is split, the words after it may be anything.
    mayBeOption: read.canSplit,
    canSplit: read.canSplit,
  };
}

/** A word for text that is written in this program, not in a line. */
export function literalWord(text: string): ShellWord {
  return { text, isStatic: true, shape: text, mayBeOption: false, canSplit: false };
}

/** A word of which only the written form is known. */
export function computedWord(text: string): ShellWord {
  return { text, isStatic: false, shape: computedMark, mayBeOption: true, canSplit: true };
}

function literalOrGlob(text: string, value: string): ShellWord {
  const shape = expands(text) ? computedMark : value;
  const isStatic = shape === value;
  const read = isStatic ? value : text;
  return { text: read, isStatic, shape, mayBeOption: !isStatic, canSplit: !isStatic };
}

function shapeOf(part: WordPart): string {
  switch (part.type) {
    case "Literal":
      return expands(part.text) ? computedMark : part.value;
    case "SingleQuoted":
    case "AnsiCQuoted":
      return part.value;
    case "DoubleQuoted":
      return part.parts
        .map((child) => (child.type === "Literal" ? child.value : shapeOf(child)))
        .join("");
    default:
      return computedMark;
  }
}

/**
 * Whether a piece without quotes may stand for several words or for names of files. Braces and
 * brackets count at every position: a pair of them may enclose quotes and variables.
 */
function expands(text: string): boolean {
  if (text === "[" || text === "{}" || text === "{" || text === "}") return false;
  return /[*?[{]/.test(text.replace(/\\./gs, ""));
}

function isPattern(part: WordPart): boolean {
  if (part.type === "Literal") return expands(part.text);
  return part.type === "Glob" || part.type === "ExtendedGlob" || part.type === "BraceExpansion";
}

/** Whether the value of a piece is split into words. */
function isSplitAtBlanks(part: WordPart): boolean {
  switch (part.type) {
    case "SimpleExpansion":
      return !/^\$[?#$!]$/.test(part.text);
    case "ParameterExpansion":
      return part.prefix !== "#" || part.index !== undefined;
    case "CommandExpansion":
      return true;
    case "DoubleQuoted":
      // `"$@"` is several words, quoted or not.
      return part.parts.some(
        ({ type, text }) => type !== "Literal" && /^\$\{?(?:@|\w+\[@\])/.test(text),
      );
    default:
      return false;
  }
}

const plainWord = /^(?:[\w@%+=:,./~^-]+|\[|\])$/;

/**
 * Words as a person would type them: with quotes where they are needed, and marks where they are
 * computed.
 */
export function renderQuoted(words: readonly ShellWord[]): string {
  return words
    .map(({ text, isStatic, shape }) => {
      if (!isStatic) return shape;
      return plainWord.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
    })
    .join(" ");
}

/** Words without quotes; computed ones as they are written. */
export function renderPlain(words: readonly ShellWord[]): string {
  return words.map(({ text }) => text).join(" ");
}

/** Words without quotes; computed parts are marks. */
export function renderShape(words: readonly ShellWord[]): string {
  return words.map(({ shape }) => shape).join(" ");
}

/** The words that the braces of a word stand for: `{a,b}c` is `ac bc`. Bounded. */
export function expandBraces(word: ShellWord): ShellWord[] {
  let texts = [word.text];
  for (let round = 0; round < 4 && texts.length < 64; round++) {
    texts = texts.flatMap((text) => {
      const close = text.indexOf("}");
      const open = close === -1 ? -1 : text.lastIndexOf("{", close);
      const list = text.slice(open + 1, close);
      if (open === -1 || !list.includes(",")) return [text];
      return list.split(",").map((one) => text.slice(0, open) + one + text.slice(close + 1));
    });
  }
  return texts.map((text) => ({ ...computedWord(text), shape: text }));
}
