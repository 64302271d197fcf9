// The turns of a workspace. Their code is loaded with the first of them, so that a server starts fast.
import type { TurnOutcome } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { failureOutcome } from "./runFailure.js";
import { runLog } from "./runLog.js";
import type { RunnerHooks, TurnRunner } from "./turnRunner.js";

type Code = typeof import("./turnRunner.js");
let code: Code | undefined;

/** Loads the code of turns ahead, so that the first of them begins as fast as every other. */
export async function loadTurns(): Promise<Code> {
  code ??= await import("./turnRunner.js");
  return code;
}

/** Runs the turns of one workspace. */
export class LazyTurns {
  readonly #options: CoordinatorOptions;
  readonly #hooks: RunnerHooks;
  #runner: TurnRunner | undefined;

  constructor(options: CoordinatorOptions, hooks: RunnerHooks) {
    this.#options = options;
    this.#hooks = hooks;
  }

  /** Takes a run to its outcome. Never rejects. */
  run(run: AcceptedRun): Promise<TurnOutcome> {
    return code === undefined ? this.#loadAndRun(run) : this.#runnerOf(code).run(run);
  }

  async #loadAndRun(run: AcceptedRun): Promise<TurnOutcome> {
    let loaded: Code;
    try {
      loaded = await loadTurns();
    } catch (error) {
      const { ids } = this.#options;
      return failureOutcome(error, { ids, log: runLog(run, this.#options) });
    }
    return this.#runnerOf(loaded).run(run);
  }

  #runnerOf({ TurnRunner }: Code): TurnRunner {
    this.#runner ??= new TurnRunner(this.#options, this.#hooks);
    return this.#runner;
  }

  /** Ends what goes on behind the turns. Call it when no run is open any more. */
  async close(): Promise<void> {
    await this.#runner?.close();
  }
}
