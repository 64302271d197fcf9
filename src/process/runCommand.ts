import { isAbsolute } from "node:path";
import { defined } from "../base/defined.js";
import { isWithin } from "../base/insideFolder.js";

/** What a command runs with. */
export interface CommandOptions {
  readonly cwd: string;
  /** The whole environment, but for what finding the program takes. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What came of a command; not ok when it failed, took too long or was cancelled. */
export interface CommandResult {
  readonly ok: boolean;
  readonly stdout: string;
}

/** Runs a program, without a shell. Never rejects for what the program does. */
export type RunCommand = (
  file: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

const mostOutput = 4 * 1024 * 1024;

/**
 * Runs programs of the host's `PATH`, and never of the workspace: entries of `PATH` that are relative
 * or inside the folder where the command runs are left out. A program is ended with all that it has
 * started only if it ends them itself: use it for what starts nothing.
 *
 * @param env the environment that `PATH` is taken from.
 */
export function hostCommands(
  env: Readonly<Record<string, string>>,
  workspacePath: string,
): RunCommand {
  const host = hostEnvironment(env, workspacePath);
  return async (file, args, options) => {
    const { execa } = await import("execa");
    const result = await execa(file, args, {
      cwd: options.cwd,
      env: { ...options.env, ...host },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      stderr: "ignore",
      stripFinalNewline: false,
      timeout: options.timeoutMs,
      maxBuffer: mostOutput,
      cancelSignal: options.signal,
      forceKillAfterDelay: 500,
      windowsHide: true,
    });
    return { ok: !result.failed, stdout: result.stdout };
  };
}

/**
 * What is to be set over `env` so that programs are found on the host and never in the workspace:
 * `PATH` without entries that are relative or inside it.
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
    // Windows looks into the working folder before it looks into PATH, unless told not to.
    NoDefaultCurrentDirectoryInExePath: "1",
    ...defined({ SystemRoot: systemRoot }),
  };
}
