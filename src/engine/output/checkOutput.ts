// Checks whether a schema is valid, and whether a value fits it (protocol.md section 4, Output). Both come
// from outside. A schema may recurse for ever, and its pattern may take years. So the check runs in a
// process of its own, with bounds of time and memory.
import { ChildNotStarted } from "../../base/childStart.js";
import type { WorkRunner } from "../../process/workProcesses.js";

/** The time includes the start of the process. */
const limitMs = 5_000;
const limitMb = 128;
/** How many schemas are remembered as valid, so that they are not checked again. */
const mostKnown = 64;

/** Checks the schemas and values of runs. */
export class OutputCheck {
  readonly #work: WorkRunner;
  readonly #sound = new Set<string>();

  constructor(work: WorkRunner) {
    this.#work = work;
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
    const found = (problem: string): Found =>
      value === undefined ? { schemaProblem: problem } : { problems: [problem] };
    try {
      const outcome = await this.#work.run({ program, input, limitMs, limitMb }, signal);
      if (outcome.kind === "done") return outcome.result as Found;
      return found(`it takes too much ${outcome.limit} to check`);
    } catch (error) {
      if (!(error instanceof ChildNotStarted)) throw error;
      return found(`it cannot be checked now, for no process can be started: ${error.message}`);
    }
  }
}

/** What the program posts. */
interface Found {
  readonly schemaProblem?: string;
  readonly problems?: readonly string[];
}
