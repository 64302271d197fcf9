/** What the commands that speak to a daemon do; their code is loaded when one of them is used. */
import type { ProgramActions } from "./program.js";
import type { RunCommandIo, RunCommandOptions } from "./runOptions.js";
import type { OutputStream } from "./runOutput.js";

/** What they need beside their process. */
interface DaemonParts {
  readonly launcher: string;
  readonly version: string;
  readonly out: OutputStream;
  readonly errors: OutputStream;
  readonly startDaemon: ProgramActions["daemon"];
}

/** The actions, and what `run --detach` does. */
export function daemonActions(
  self: NodeJS.Process,
  parts: DaemonParts,
): Pick<ProgramActions, "daemon" | "runs"> & {
  detach(options: RunCommandOptions, io: RunCommandIo): Promise<number>;
} {
  return {
    daemon: async (options) => {
      if (options.action === "serve") return parts.startDaemon(options);
      const { daemonIn } = await import("./daemonIn.js");
      return daemonIn(self, options, parts);
    },
    runs: async (options) => {
      const { runsIn } = await import("./daemonIn.js");
      return runsIn(self, options, parts);
    },
    detach: async (options, io) => {
      const { detachIn } = await import("./daemonIn.js");
      return detachIn(self, options, io, parts);
    },
  };
}
