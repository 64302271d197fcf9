// Programs that run the server where something of this machine is missing. They need Linux, and leave
// to make a namespace; a test that cannot have one is skipped, and the reason is printed.
import { spawnSync } from "node:child_process";

/** A program and its arguments, which gets the rest behind them. */
export type Runner = readonly [string, ...string[]];

/** In a PID namespace of its own, as its first process. */
export const asFirstProcess: Runner = ["unshare", "--pid", "--fork", "--mount-proc"];

/** In a PID namespace of its own, with the `/proc` of the one outside. */
export const withForeignProc: Runner = ["unshare", "--pid", "--fork"];

/** Without `/proc`. */
export const withoutProc: Runner = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs none /proc && exec "$0" "$@"',
];

/** With a file in the place of `/proc/loadavg`, as some containers have one. */
export function withOtherLoadavg(file: string): Runner {
  const script = `mount --bind '${file}' /proc/loadavg && exec "$0" "$@"`;
  return ["unshare", "--mount", "sh", "-c", script];
}

/** With so many file descriptors and no more. */
export function withDescriptors(count: number): Runner {
  return ["sh", "-c", `ulimit -n ${count}; exec "$0" "$@"`];
}

/** Whether a runner works here; says why not. */
export function canRun([file, ...args]: Runner): boolean {
  const { status, stderr, error } = spawnSync(file, [...args, "true"], { encoding: "utf8" });
  if (status === 0) return true;
  console.warn(`skipped: ${file} does not run here: ${error?.message ?? stderr.trim()}`);
  return false;
}
