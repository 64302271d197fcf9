// Checks whether a schema is valid, and whether a value fits it (protocol.md section 4, Output). Both come
// from outside. A schema may recurse for ever, and its pattern may take years. So the check runs in a
// thread, with bounds of time and memory.
import type { WorkerThreads } from "../../process/workerThreads.js";

/** The time includes the start of the thread. */
const limitMs = 5_000;
const limitMb = 128;
/** How many schemas are remembered as valid, so that they are not checked again. */
const mostKnown = 64;

/** Checks the schemas and values of runs. */
export class OutputCheck {
  readonly #threads: WorkerThreads;
  readonly #sound = new Set<string>();

  constructor(threads: WorkerThreads) {
    this.#threads = threads;
  }

  /** Why a schema cannot be used; undefined if it can. Rejects with the signal's reason. */
  async problemOf(schema: object, signal: AbortSignal): Promise<string | undefined> {
    const text = JSON.stringify(schema);
    if (this.#sound.has(text)) return undefined;
    const { schemaProblem } = await this.#run(text, undefined, signal);
    if (schemaProblem !== undefined) return schemaProblem;
    if (this.#sound.size >= mostKnown) this.#sound.clear();
    this.#sound.add(text);
    return undefined;
  }

  /** What is wrong with a value; empty if it fits. Rejects with the signal's reason. */
  async misfits(schema: object, value: unknown, signal: AbortSignal): Promise<readonly string[]> {
    const found = await this.#run(JSON.stringify(schema), JSON.stringify(value), signal);
    return found.problems ?? (found.schemaProblem === undefined ? [] : [found.schemaProblem]);
  }

  async #run(schema: string, value: string | undefined, signal: AbortSignal): Promise<Found> {
    const program = new URL("./outputChecker.mjs", import.meta.url);
    const input = { schema, value };
    const outcome = await this.#threads.run({ program, input, limitMs, limitMb }, signal);
    if (outcome.kind === "done") return outcome.result as Found;
    const problem = `it takes too much ${outcome.limit} to check`;
    return value === undefined ? { schemaProblem: problem } : { problems: [problem] };
  }
}

/** What the program of the thread posts. */
interface Found {
  readonly schemaProblem?: string;
  readonly problems?: readonly string[];
}
