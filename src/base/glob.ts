// Globs over paths. For every pattern, matching takes time in proportion to the length of the
// pattern times the length of the path. Patterns come from repositories and from models; as regular
// expressions, some of them would never end.
import { GlobProgram } from "./globProgram.js";

/** The most characters of a pattern; a longer one was written to be slow. */
export const maxGlobLength = 500;

/** Tells whether a path matches. */
export type Glob = (path: string) => boolean;

/**
 * Compiles a glob over paths with `/` between their parts:
 *
 * - `*` stands for anything within one part, `?` for one character of it, a dot in front included;
 * - `**`, as a whole part, stands for any number of parts, none included: `a/**` matches `a` as well;
 * - `[abc]`, `[a-z]`, `[!a]` and `[^a]` stand for one character, never `/`;
 * - `{a,b}` stands for any of its patterns, which may hold `/` and further braces;
 * - `\` takes the next character for itself. A bracket or a brace without its partner is a character.
 *
 * Nothing else has a meaning: no `!` in front, no `@(a|b)`.
 *
 * @throws RangeError when the pattern is longer than {@link maxGlobLength}.
 */
export function compileGlob(pattern: string): Glob {
  if (pattern.length > maxGlobLength) {
    throw new RangeError(`a glob has at most ${maxGlobLength} characters`);
  }
  return new GlobWriter(pattern).write();
}

/** Whether a text is more than a plain path to {@link compileGlob}. */
export function hasWildcard(text: string): boolean {
  return /[*?[\]{}\\]/.test(text);
}

/** One `{a,b}` of a pattern: where its commas and its end are. */
interface Braces {
  readonly commas: number[];
  end: number;
}

/** Translates a pattern, from its beginning to its end, into a program. */
class GlobWriter {
  readonly #text: readonly string[];
  readonly #braces: ReadonlyMap<number, Braces>;
  readonly #program = new GlobProgram();
  /** From this position on, no set has an end. */
  #noSetFrom = Number.POSITIVE_INFINITY;

  constructor(pattern: string) {
    this.#text = [...pattern];
    this.#braces = this.#findBraces();
  }

  write(): Glob {
    this.#write(0, this.#text.length, true, true);
    return this.#program.finished();
  }

  /**
   * Writes the text from `begin` to `end`. The flags say whether a part of the path begins and ends
   * there, or goes on around it.
   */
  #write(begin: number, end: number, startsPart: boolean, endsPart: boolean): void {
    const isPartEnd = (at: number) => (at === end ? endsPart : this.#text[at] === "/");
    let isPartStart = startsPart;
    for (let at = begin; at < end; ) {
      const stars = this.#areStars(at, end);
      // A part that is a star is some folder: then there is something in it.
      const starsAhead =
        this.#text[at] === "/" && this.#text[at - 1] !== "*" && this.#areStars(at + 1, end);
      if (stars && isPartStart && at + 2 < end && this.#text[at + 2] === "/") {
        this.#program.optional(() => this.#program.anything().character("/"));
        at += 3;
      } else if (stars && isPartStart && at + 2 === end && endsPart) {
        this.#program.anything();
        at += 2;
      } else if (starsAhead && at + 3 === end && isPartEnd(end)) {
        this.#program.optional(() => this.#program.character("/").anything());
        at += 3;
      } else {
        isPartStart = this.#text[at] === "/";
        at = this.#writeOne(at, end, isPartStart, isPartEnd);
      }
    }
  }

  #areStars(at: number, end: number): boolean {
    return at + 1 < end && this.#text[at] === "*" && this.#text[at + 1] === "*";
  }

  /** Writes the piece that begins at `at`; returns where the next piece begins. */
  #writeOne(
    at: number,
    end: number,
    isPartStart: boolean,
    isPartEnd: (at: number) => boolean,
  ): number {
    const character = this.#text[at] ?? "";
    switch (character) {
      case "*": {
        this.#program.inPart();
        let next = at + 1;
        while (next < end && this.#text[next] === "*") next++;
        return next;
      }
      case "?":
        this.#program.oneOfPart();
        return at + 1;
      case "[": {
        const close = this.#endOfSet(at);
        if (close === undefined) break;
        this.#writeSet(at, close);
        return close + 1;
      }
      case "{": {
        const braces = this.#braces.get(at);
        if (braces === undefined) break;
        const startsPart = at === 0 || this.#text[at - 1] === "/" || isPartStart;
        this.#writeBraces(at, braces, startsPart, isPartEnd(braces.end + 1));
        return braces.end + 1;
      }
      case "\\":
        if (at + 1 >= end) break;
        this.#program.character(this.#text[at + 1] ?? "");
        return at + 2;
    }
    this.#program.character(character);
    return at + 1;
  }

  #writeBraces(at: number, { commas, end }: Braces, startsPart: boolean, endsPart: boolean): void {
    const begins = [at, ...commas].map((place) => place + 1);
    this.#program.choice(
      begins.map((begin, index) => () => {
        this.#write(begin, commas[index] ?? end, startsPart, endsPart);
      }),
    );
  }

  #writeSet(at: number, close: number): void {
    const isNegated = this.#isNegation(at + 1);
    const members: number[] = [];
    const isRange: boolean[] = [];
    for (let place = isNegated ? at + 2 : at + 1; place < close; place++) {
      if (this.#text[place] === "\\" && place + 1 < close) place++;
      members.push(this.#text[place]?.codePointAt(0) ?? 0);
      isRange.push(this.#text[place + 1] === "-" && place + 2 < close);
      if (isRange.at(-1) === true) place++;
    }
    const ranges: [number, number][] = [];
    for (let index = 0; index < members.length; index++) {
      const from = members[index] ?? 0;
      ranges.push([from, isRange[index] ? (members[++index] ?? from) : from]);
    }
    this.#program.set(ranges, isNegated);
  }

  #isNegation(at: number): boolean {
    return this.#text[at] === "!" || this.#text[at] === "^";
  }

  /** Where the set that begins at `at` ends; undefined if it has no end. */
  #endOfSet(at: number): number | undefined {
    if (at >= this.#noSetFrom) return undefined;
    const first = this.#isNegation(at + 1) ? at + 2 : at + 1;
    for (let place = first; place < this.#text.length; place++) {
      if (this.#text[place] === "\\") place++;
      // A bracket that comes first is a member.
      else if (this.#text[place] === "]" && place > first) return place;
    }
    this.#noSetFrom = at;
    return undefined;
  }

  /** The braces that have a partner and hold a comma, by the position where they begin. */
  #findBraces(): Map<number, Braces> {
    const found = new Map<number, Braces>();
    const open: { at: number; braces: Braces }[] = [];
    for (let at = 0; at < this.#text.length; at++) {
      const character = this.#text[at];
      if (character === "\\") at++;
      else if (character === "[") at = this.#endOfSet(at) ?? at;
      else if (character === "{") open.push({ at, braces: { commas: [], end: at } });
      else if (character === ",") open.at(-1)?.braces.commas.push(at);
      else if (character === "}") {
        const innermost = open.pop();
        if (innermost === undefined || innermost.braces.commas.length === 0) continue;
        innermost.braces.end = at;
        found.set(innermost.at, innermost.braces);
      }
    }
    return found;
  }
}
