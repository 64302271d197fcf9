// Starts a daemon in the background, as a process of its own (protocol.md section 2, The daemon).
import { spawn } from "node:child_process";

/** How a process of a daemon ended. */
export interface DaemonEnd {
  /** Undefined where a signal ended it, or where it never was. */
  readonly code?: number | undefined;
  /** Why it could not be started. */
  readonly failure?: string;
}

/** A daemon that was started. */
export interface LaunchedDaemon {
  readonly ended: Promise<DaemonEnd>;
  /** From now on this process need not live for it. */
  leave(): void;
}

/** Starts this program with some arguments; what it says goes to an open file. */
export type LaunchDaemon = (
  args: readonly string[],
  place: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly log: number;
  },
) => LaunchedDaemon;

/** Starts processes of `program`: Node, and this program's script. */
export function launcherOf([file, ...script]: readonly [string, ...string[]]): LaunchDaemon {
  return (args, { cwd, env, log }) => {
    const child = spawn(file, [...script, ...args], {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "ignore", log],
      windowsHide: true,
    });
    return {
      ended: new Promise((resolve) => {
        child.once("error", (error) => resolve({ failure: error.message }));
        child.once("exit", (code) => resolve({ code: code ?? undefined }));
      }),
      leave: () => child.unref(),
    };
  };
}
