/** The JSON values of a stream's lines, in their order; long lines are read in steps. */
import type { KeptLine } from "./lineSplitter.js";
import { OrderedWork } from "./orderedWork.js";
import { parseInSteps, steppedJsonBytes } from "./steppedJson.js";

/** A value, and how deep it is nested if it was counted; or that the line is no JSON that is taken. */
export type JsonOfLine =
  | { readonly ok: true; readonly value: unknown; readonly depth: number | undefined }
  | { readonly ok: false };

/** Reads the lines of one stream as JSON. */
export class JsonLines {
  readonly #work: OrderedWork;
  readonly #pause: () => void;

  /** `stream` is paused while a long line is read. */
  constructor(stream: { pause(): unknown; resume(): unknown }) {
    this.#work = new OrderedWork(() => stream.resume());
    this.#pause = () => stream.pause();
  }

  /** Calls `take` with what the line holds, when all lines before it were taken. `take` never throws. */
  read(line: KeptLine, take: (json: JsonOfLine) => void): void {
    this.#work.add(() => {
      if (line.bytes.length <= steppedJsonBytes) {
        take(parsed(line.text));
        return undefined;
      }
      this.#pause();
      return parsedInSteps(line.bytes).then(take);
    });
  }

  /** Calls `take` for a line that cannot be read, when all lines before it were taken. */
  skip(take: () => void): void {
    this.#work.add(() => {
      take();
      return undefined;
    });
  }

  /** Resolves when all lines until now were taken. */
  done(): Promise<void> {
    return this.#work.done();
  }
}

function parsed(text: string): JsonOfLine {
  try {
    return { ok: true, value: JSON.parse(text), depth: undefined };
  } catch {
    // Nothing else is thrown.
    return { ok: false };
  }
}

async function parsedInSteps(bytes: Buffer): Promise<JsonOfLine> {
  try {
    const json = await parseInSteps(bytes);
    return { ok: true, value: json.value, depth: json.depthOf(json.value) };
  } catch {
    // It is no JSON, or has too many values.
    return { ok: false };
  }
}
