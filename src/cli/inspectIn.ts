// What `turnwire inspect` does with the process.
import { systemClock } from "../base/clock.js";
import type { ResolvePath } from "../base/startFolder.js";
import { inspectCommand } from "./inspectCommand.js";
import type { InspectOptions } from "./inspectOptions.js";

/** The signals that can be passed on, and that end or stop a program. */
const passed: readonly NodeJS.Signals[] =
  process.platform === "win32"
    ? ["SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGALRM"];

/** How long a signal to this process itself may take, in milliseconds. */
const ownSignalMs = 1000;

/** Runs the command; resolves with the exit code. */
export function inspectIn(
  self: NodeJS.Process,
  options: InspectOptions,
  io: { readonly resolvePath: ResolvePath; writeError(line: string): void },
): Promise<number> {
  return inspectCommand(options, {
    ...io,
    input: self.stdin,
    output: self.stdout,
    errors: self.stderr,
    env: self.env,
    clock: systemClock,
    hasTerminal: self.stdin.isTTY === true || self.stderr.isTTY === true,
    onSignal(callback) {
      const listeners = passed.map((signal) => [signal, () => callback(signal)] as const);
      for (const [signal, listener] of listeners) self.on(signal, listener);
      return () => {
        for (const [signal, listener] of listeners) self.off(signal, listener);
      };
    },
    endBy: (signal) =>
      new Promise((resolve) => {
        setTimeout(resolve, ownSignalMs);
        self.kill(self.pid, signal);
      }),
  });
}
