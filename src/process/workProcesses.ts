// Runs work on input that somebody else wrote in a process of its own. So it does not hold up anything else,
// its time and memory are limited, and what it does not survive ends nothing but itself: a thread of this
// process whose heap is full can end the whole process, whatever its limits are.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { parse } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAwake } from "../base/awakeTime.js";
import { ChildNotStarted, startChild } from "../base/childStart.js";
import type { Clock } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import { explainSystemError } from "../base/systemError.js";
import { untilAborted } from "../base/untilAborted.js";
import { Slots } from "./slots.js";

/** The work, and its limits. */
export interface WorkTask {
  /** The program: it reads `workerData` and posts one message, the result. */
  readonly program: URL;
  readonly input: unknown;
  /** How long it may take in milliseconds, including the start of its process. */
  readonly limitMs: number;
  /**
   * How large its heap may grow, in megabytes. Its memory outside of the heap may be as large, and a little
   * more.
   */
  readonly limitMb: number;
}

/** The result of a task. */
export type WorkOutcome =
  | { readonly kind: "done"; readonly result: unknown }
  /** Which of its limits it ran into. */
  | { readonly kind: "exceeded"; readonly limit: "time" | "memory" };

/** What the process tells; src/process/workProcess.mjs sends it. */
type Told =
  | { readonly kind: "begun" }
  | { readonly kind: "notStarted"; readonly problem: string }
  | WorkOutcome
  | { readonly kind: "failed"; readonly problem: string }
  | { readonly kind: "silent" };

/** Runs tasks; see {@link WorkProcesses.run}. */
export type WorkRunner = Pick<WorkProcesses, "run">;

/** More would take the processors from everything else. */
const mostAtOnce = 2;

const workProgram = fileURLToPath(new URL("./workProcess.mjs", import.meta.url));

/** How V8 and the system end a process whose memory does not suffice. */
const crashes: ReadonlySet<string> = new Set([
  ...["SIGABRT", "SIGBUS", "SIGILL", "SIGKILL", "SIGSEGV", "SIGTRAP"],
]);
/** The exit code of that on Windows: Node's own, or one of the system's, which begin here. */
const abortedOnWindows = 134;
const firstOfWindows = 0x80000000;

/** Variables without which Node itself would not start on some machines. The work has no environment. */
const startVariables = [
  "ELECTRON_RUN_AS_NODE",
  "LD_LIBRARY_PATH",
  "LD_PRELOAD",
  "DYLD_LIBRARY_PATH",
  "NODE_ICU_DATA",
  "SystemRoot",
];

/** The processes of this server that do such work: two at a time for all callers together. */
export class WorkProcesses {
  readonly #clock: Clock;
  readonly #slots = new Slots(mostAtOnce);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs a task in a process of its own, once less than two others run; its time begins then. The
   * program has no environment, and its output is dropped. The process ends with this one.
   *
   * Rejects with the signal's reason when that is aborted, with the words of what the program
   * throws, and with `ChildNotStarted`. When the promise has settled, the process is gone.
   */
  async run(task: WorkTask, signal: AbortSignal): Promise<WorkOutcome> {
    const giveBack = await this.#slots.take(signal);
    try {
      return await this.#runProcess(task, signal);
    } finally {
      giveBack();
    }
  }

  async #runProcess(task: WorkTask, signal: AbortSignal): Promise<WorkOutcome> {
    const { program, input, limitMs, limitMb } = task;
    const outcome = new Deferred<WorkOutcome>();
    const child = await started();
    const gone = new Promise((resolve) => child.once("exit", resolve));
    let hasBegun = false;
    child.on("message", (told: Told) => {
      if (told.kind === "begun") hasBegun = true;
      else settle(outcome, told, program);
    });
    child.once("exit", (code, killer) => {
      settle(outcome, endOf({ code, killer, hasBegun }), program);
    });
    const timer = afterAwake(this.#clock, limitMs, () =>
      outcome.resolve({ kind: "exceeded", limit: "time" }),
    );
    try {
      // Whether it arrives is seen by what comes back.
      child.send({ program: program.href, input, limitMb, limitMs }, () => {});
      return await untilAborted(outcome.promise, signal);
    } finally {
      timer.cancel();
      child.kill("SIGKILL");
      await gone;
    }
  }
}

function settle(
  outcome: Deferred<WorkOutcome>,
  told: Exclude<Told, { kind: "begun" }>,
  program: URL,
): void {
  if (told.kind === "failed") outcome.reject(new Error(told.problem));
  else if (told.kind === "notStarted") outcome.reject(new ChildNotStarted(told.problem));
  else if (told.kind === "silent") outcome.reject(new Error(`${program} ended without a result`));
  else outcome.resolve(told);
}

/** What the end of a process tells that has told nothing itself. */
function endOf(end: {
  readonly code: number | null;
  readonly killer: NodeJS.Signals | null;
  readonly hasBegun: boolean;
}): Exclude<Told, { kind: "begun" }> {
  const { code, killer, hasBegun } = end;
  if (!hasBegun) {
    return { kind: "notStarted", problem: `its process ended at once (${killer ?? code})` };
  }
  const isCrash =
    crashes.has(killer ?? "") || code === abortedOnWindows || (code ?? 0) >= firstOfWindows;
  return isCrash ? { kind: "exceeded", limit: "memory" } : { kind: "silent" };
}

/** A process that waits for its work. Throws `ChildNotStarted`. */
async function started(): Promise<ChildProcess> {
  const env: Record<string, string> = {};
  for (const name of startVariables) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  let cause: unknown;
  try {
    const child = startChild(() =>
      spawn(process.execPath, [workProgram], {
        // The workspace may be deleted at any time, and a folder that is in use cannot be on Windows.
        cwd: parse(process.execPath).root,
        env,
        serialization: "advanced",
        stdio: ["ignore", "ignore", "ignore", "ipc"],
        windowsHide: true,
      }),
    );
    if (child.pid !== undefined) return child;
    [cause] = await once(child, "error");
  } catch (error) {
    // Node throws some reasons and emits the others.
    if (error instanceof ChildNotStarted) throw error;
    cause = error;
  }
  throw new ChildNotStarted(explainSystemError(cause) ?? messageOf(cause), { cause });
}
