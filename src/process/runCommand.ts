import { isAbsolute } from "node:path";
import { ChildNotStarted, startChild } from "../base/childStart.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { isWithin } from "../base/insideFolder.js";
import type { ProcessHost } from "./processHost.js";
import { processMarkerVariable } from "./processMark.js";

/** What a command runs with. */
export interface CommandOptions {
  readonly cwd: string;
  /** The whole environment, except for variables that are needed to find the program. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the result is not waited for any longer. */
  readonly signal: AbortSignal;
  /** The standard input of the program; empty by default. */
  readonly input?: string;
}

/** The result of a command. Not ok if it failed or if its signal was aborted. */
export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
}

/** Runs a program, without a shell. A failure of the program never makes it reject. */
export type RunCommand = (
  file: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

const mostOutput = 4 * 1024 * 1024;

/** The options for running commands of the host. */
export interface HostOptions {
  /** The environment that `PATH` is taken from. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder whose programs are never run. */
  readonly workspacePath: string;
  readonly host: ProcessHost;
}

/**
 * Runs programs of the host's `PATH`, and never of the workspace: entries of `PATH` that are
 * relative or inside the workspace are left out. When the signal is aborted, the result comes at
 * once, and everything that the program started is killed. The result does not wait for a child
 * that still holds the output open.
 */
export function hostCommands(options: HostOptions): RunCommand {
  const { host } = options;
  const hostEnv = hostEnvironment(options.env, options.workspacePath);
  return async (file, args, command) => {
    const { execa } = await import("execa");
    if (command.signal.aborted) return notOk;
    const mark = host.marks.next();
    const running = startOrNot(() =>
      execa(file, args, {
        cwd: command.cwd,
        env: { ...command.env, ...hostEnv, [processMarkerVariable]: mark.variable },
        extendEnv: false,
        reject: false,
        // A process group of its own, which can be ended as a whole.
        detached: process.platform !== "win32",
        input: command.input ?? "",
        stderr: "ignore",
        stripFinalNewline: false,
        maxBuffer: mostOutput,
        windowsHide: true,
      }),
    );
    if (running === undefined) return notOk;
    const finished = running.then(({ failed, stdout }) => ({ ok: !failed, stdout }));
    const isFinished = await untilAborted(finished, command.signal);
    if (isFinished) return finished;
    if (running.pid !== undefined) await host.killTree({ leader: running.pid, mark });
    running.stdout?.destroy();
    return notOk;
  };
}

const notOk: CommandResult = { ok: false, stdout: "" };

function startOrNot<T>(start: () => T): T | undefined {
  try {
    return startChild(start);
  } catch (error) {
    if (error instanceof ChildNotStarted) return undefined;
    throw error;
  }
}

/** Whether the promise, which never rejects, settled before the signal was aborted. */
async function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const aborted = new Deferred<false>();
  const onAbort = () => aborted.resolve(false);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise.then(() => true), aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * The variables to set over `env`, so that programs are found on the host and never in the
 * workspace: `PATH` without entries that are relative or inside the workspace.
 */
export function hostEnvironment(
  env: Readonly<Record<string, string>>,
  workspacePath: string,
): Record<string, string> {
  const name = Object.keys(env).find((key) => key.toUpperCase() === "PATH") ?? "PATH";
  const separator = process.platform === "win32" ? ";" : ":";
  const entries = (env[name] ?? "")
    .split(separator)
    .filter((entry) => isAbsolute(entry) && !isWithin(workspacePath, entry));
  const systemRoot = env.SystemRoot ?? env.SYSTEMROOT;
  return {
    PATH: entries.join(separator),
    // Windows searches the working folder before PATH, unless this variable is set.
    NoDefaultCurrentDirectoryInExePath: "1",
    ...defined({ SystemRoot: systemRoot }),
  };
}
