// Runs work on input that somebody else wrote in a thread of its own. So it does not hold up
// anything else, and its time and memory are limited.

import { Worker } from "node:worker_threads";
import { afterAwake } from "../base/awakeTime.js";
import type { Clock } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { untilAborted } from "../base/untilAborted.js";
import { Slots } from "./slots.js";
import { ThreadMemory } from "./threadMemory.js";

/** The work, and its limits. */
export interface WorkerTask {
  /** The program of the thread: it reads `workerData` and posts one message, the result. */
  readonly program: URL;
  readonly input: unknown;
  /** How long it may take in milliseconds, including the start of the thread. */
  readonly limitMs: number;
  /**
   * How large its heap may grow, in megabytes. Its memory outside of the heap may be as large, and a little
   * more.
   */
  readonly limitMb: number;
}

/** The result of a task. */
export type WorkerOutcome =
  | { readonly kind: "done"; readonly result: unknown }
  /** Which of its limits it ran into. */
  | { readonly kind: "exceeded"; readonly limit: "time" | "memory" };

/** More threads would take the processors from everything else. */
const mostAtOnce = 2;

/** The threads of this process: two at a time for all callers together. */
export class WorkerThreads {
  readonly #clock: Clock;
  readonly #slots = new Slots(mostAtOnce);
  readonly #memory: ThreadMemory;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#memory = new ThreadMemory(clock);
  }

  /**
   * Runs a task in a thread of its own, once less than two others run; its time begins then. The
   * thread has no environment, and its output is dropped.
   *
   * Rejects with the signal's reason when that is aborted, and with what the program throws. When
   * the promise has settled, the thread is gone.
   */
  async run(task: WorkerTask, signal: AbortSignal): Promise<WorkerOutcome> {
    const giveBack = await this.#slots.take(signal);
    try {
      return await this.#runThread(task, signal);
    } finally {
      giveBack();
    }
  }

  async #runThread(task: WorkerTask, signal: AbortSignal): Promise<WorkerOutcome> {
    const { program, input, limitMs, limitMb } = task;
    const worker = new Worker(program, {
      workerData: input,
      argv: [],
      env: {},
      execArgv: [],
      // Otherwise Node would write it to stdout, between the frames of the protocol.
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: limitMb },
    });
    const outcome = new Deferred<WorkerOutcome>();
    const exceeded = (limit: "time" | "memory") => outcome.resolve({ kind: "exceeded", limit });
    worker.once("message", (result: unknown) => outcome.resolve({ kind: "done", result }));
    worker.on("error", (error) => {
      if (isOutOfMemory(error)) exceeded("memory");
      else outcome.reject(error);
    });
    worker.once("exit", () => outcome.reject(new Error(`${program} ended without a result`)));
    const timer = afterAwake(this.#clock, limitMs, () => exceeded("time"));
    const unwatch = this.#memory.watch(limitMb, () => exceeded("memory"));
    try {
      return await untilAborted(outcome.promise, signal);
    } finally {
      timer.cancel();
      unwatch();
      await worker.terminate();
    }
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
