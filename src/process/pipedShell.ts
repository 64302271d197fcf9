// Starts a shell whose output is a pipe. No library is around it: that took a fifth of the time of a start.
// Only Windows has more ways to start a program, which `execa` knows.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { ChildNotStarted, startChild } from "../base/childStart.js";
import { messageOf } from "../base/errors.js";
import { explainSystemError, systemErrorCode } from "../base/systemError.js";

/** What is started. */
export interface PipedProgram {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a shell's own process ended. */
export type ShellEnd =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string };

/** A shell that runs. */
export interface PipedShell {
  readonly pid: number;
  readonly stdout: Readable;
  readonly exited: Promise<ShellEnd>;
  /** Resolves when its pipe is closed too. */
  readonly closed: Promise<unknown>;
}

/**
 * Starts a program in a session and a process group of its own, without input.
 * @throws ChildNotStarted when it cannot be started.
 */
export async function startPiped(program: PipedProgram): Promise<PipedShell> {
  if (process.platform === "win32") return startByLibrary(program);
  const child = spawned(program);
  const { pid, stdout } = child;
  if (pid !== undefined && stdout !== null) return running(child, pid, stdout);
  const [error] = await once(child, "error");
  throw notStarted(error);
}

function spawned({ file, args, cwd, env }: PipedProgram): ChildProcess {
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  try {
    const child: ChildProcess = spawn(file, args, { cwd, env, detached: true, stdio });
    // An error without a listener would end this process.
    child.on("error", () => {});
    return child;
  } catch (error) {
    // Node throws some reasons, such as a list of arguments that is too long, and emits the others.
    throw notStarted(error);
  }
}

function notStarted(cause: unknown): ChildNotStarted {
  const isFull = ["EMFILE", "ENFILE"].includes(systemErrorCode(cause) ?? "");
  const reason = isFull ? "too many files are open; try again" : explainSystemError(cause);
  return new ChildNotStarted(reason ?? messageOf(cause), { cause });
}

function running(child: ChildProcess, pid: number, stdout: Readable): PipedShell {
  const exited = new Promise<ShellEnd>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve(signal === null ? { kind: "code", code: code ?? 0 } : { kind: "signal", signal });
    });
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  return { pid, stdout, exited, closed };
}

async function startByLibrary({ file, args, cwd, env }: PipedProgram): Promise<PipedShell> {
  const { execa } = await import("execa");
  const child = startChild(() =>
    execa(file, [...args], {
      cwd,
      env,
      extendEnv: false,
      detached: true,
      cleanup: false,
      windowsHide: true,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      buffer: false,
      reject: false,
    }),
  );
  if (child.pid !== undefined) return running(child, child.pid, child.stdout);
  const { cause, shortMessage } = await child;
  throw new ChildNotStarted(explainSystemError(cause) ?? shortMessage ?? file);
}
