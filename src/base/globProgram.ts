// What a glob is compiled to: a list of instructions. All ways through it are followed at the same
// time, one character of the path after the other, so nothing is ever tried twice.

const end = 0;
const character = 1;
const oneOfPart = 2;
const anyCharacter = 3;
const set = 4;
/** Goes on at the instruction's two targets. */
const split = 5;

const slash = 47;

/** Ranges of code points, and whether the set is everything outside of them. */
interface CharacterSet {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly isNegated: boolean;
}

/** Written once from its beginning to its end, then asked any number of times. */
export class GlobProgram {
  readonly #codes: number[] = [];
  /** A character's code point, a set's index, or a split's first target. */
  readonly #first: number[] = [];
  /** A split's second target. */
  readonly #second: number[] = [];
  readonly #sets: CharacterSet[] = [];

  /** One character. */
  character(text: string): this {
    return this.#add(character, text.codePointAt(0) ?? 0);
  }

  /** Any one character but `/`. */
  oneOfPart(): this {
    return this.#add(oneOfPart);
  }

  /** Any number of characters but `/`. */
  inPart(): this {
    return this.#repeat(oneOfPart);
  }

  /** Any number of any characters. */
  anything(): this {
    return this.#repeat(anyCharacter);
  }

  /** One character of a set, never `/`. */
  set(ranges: CharacterSet["ranges"], isNegated: boolean): this {
    this.#sets.push({ ranges, isNegated });
    return this.#add(set, this.#sets.length - 1);
  }

  /** The instructions that `write` adds, or none. */
  optional(write: () => void): this {
    return this.choice([write, () => {}]);
  }

  /** The instructions that one of the choices adds. */
  choice(branches: readonly (() => void)[]): this {
    const jumps: number[] = [];
    for (const [index, write] of branches.entries()) {
      const isLast = index === branches.length - 1;
      const fork = this.#codes.length;
      if (!isLast) this.#add(split, fork + 1);
      write();
      if (isLast) break;
      jumps.push(this.#codes.length);
      this.#add(split);
      this.#second[fork] = this.#codes.length;
    }
    for (const jump of jumps) {
      this.#first[jump] = this.#codes.length;
      this.#second[jump] = this.#codes.length;
    }
    return this;
  }

  /** The program, to be run. */
  finished(): (path: string) => boolean {
    this.#add(end);
    const [codes, first, second] = [this.#codes, this.#first, this.#second].map((list) =>
      Int32Array.from(list),
    );
    return runner(codes ?? nothing, first ?? nothing, second ?? nothing, this.#sets);
  }

  #add(code: number, first = 0, second = first): this {
    this.#codes.push(code);
    this.#first.push(first);
    this.#second.push(second);
    return this;
  }

  #repeat(code: number): this {
    const begin = this.#codes.length;
    this.#add(split, begin + 1, begin + 3).#add(code);
    return this.#add(split, begin);
  }
}

const nothing = new Int32Array(0);

/** Everything is in local variables, for speed: this runs for every file of a folder. */
function runner(
  codes: Int32Array,
  first: Int32Array,
  second: Int32Array,
  sets: readonly CharacterSet[],
): (path: string) => boolean {
  const size = codes.length;
  /** The step in which an instruction was reached last. */
  const reachedAt = new Int32Array(size);
  const waiting = new Int32Array(size + 2);
  let current = new Int32Array(size);
  let next = new Int32Array(size);
  let step = 0;

  /** Adds to a list the instructions that splits lead to; returns the list's new length. */
  const reach = (place: number, list: Int32Array, length: number): number => {
    let count = length;
    waiting[0] = place;
    for (let waits = 1; waits > 0; ) {
      let at = waiting[--waits] as number;
      while (reachedAt[at] !== step) {
        reachedAt[at] = step;
        if (codes[at] !== split) {
          list[count++] = at;
          break;
        }
        waiting[waits++] = second[at] as number;
        at = first[at] as number;
      }
    }
    return count;
  };

  const takes = (place: number, code: number) =>
    instructionTakes(codes[place] as number, first[place] as number, sets, code);

  return (path) => {
    if (step > 0x3fffffff) {
      reachedAt.fill(0);
      step = 0;
    }
    step++;
    let count = reach(0, current, 0);
    for (let at = 0; at < path.length; ) {
      const code = path.codePointAt(at) as number;
      at += code > 0xffff ? 2 : 1;
      step++;
      let nextCount = 0;
      for (let index = 0; index < count; index++) {
        const place = current[index] as number;
        if (takes(place, code)) nextCount = reach(place + 1, next, nextCount);
      }
      if (nextCount === 0) return false;
      [current, next] = [next, current];
      count = nextCount;
    }
    // Each step reaches an instruction once.
    return reachedAt[size - 1] === step;
  };
}

/** Whether an instruction takes a character of a path. */
function instructionTakes(
  kind: number,
  operand: number,
  sets: readonly CharacterSet[],
  code: number,
): boolean {
  if (kind === character) return operand === code;
  if (kind === set) return code !== slash && isInSet(sets[operand], code);
  return kind === anyCharacter || (kind === oneOfPart && code !== slash);
}

function isInSet(members: CharacterSet | undefined, code: number): boolean {
  if (members === undefined) return false;
  const isMember = members.ranges.some(([from, to]) => from <= code && code <= to);
  return isMember !== members.isNegated;
}
