// What the commands that speak to a daemon do with the process.
import { systemClock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { fromStartFolder } from "../base/startFolder.js";
import { lifeOf } from "../process/processLife.js";
import { attach } from "./attach.js";
import type { AttachOptions } from "./attachOptions.js";
import { daemonCommand } from "./daemonCommand.js";
import { launcherOf } from "./daemonLaunch.js";
import type { DaemonCommandOptions } from "./daemonOptions.js";
import { DaemonReach } from "./daemonReach.js";
import { dataDirectoryOf } from "./openServer.js";
import type { RunCommandIo, RunCommandOptions } from "./runOptions.js";
import type { OutputStream } from "./runOutput.js";
import type { RunsCommandOptions } from "./runsOptions.js";

/**
 * The way to the daemon of a data directory.
 *
 * @throws DomainError `StorageFailed` if no directory is named and there is no default.
 */
export function reachFrom(
  self: NodeJS.Process,
  options: { readonly dataDir?: string },
  launcher: string,
): DaemonReach {
  const resolvePath = fromStartFolder(() => self.cwd());
  return new DaemonReach({
    dataDirectory: dataDirectoryOf(options, { env: self.env, resolvePath }),
    env: self.env,
    platform: self.platform,
    userId: self.getuid?.(),
    clock: systemClock,
    launch: launcherOf([self.execPath, launcher]),
    lifeOf,
  });
}

/** `turnwire serve --attach` in a process. */
export async function attachIn(
  self: NodeJS.Process,
  options: AttachOptions,
  launcher: string,
): Promise<number> {
  const writeError = (line: string) => void self.stderr.write(`${line}\n`);
  try {
    return await attach(options, {
      input: self.stdin,
      output: self.stdout,
      env: self.env,
      clock: systemClock,
      reach: reachFrom(self, options, launcher),
      writeError,
      onTerminate: (callback) => {
        for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) self.once(signal, callback);
      },
    });
  } catch (error) {
    writeError(`turnwire: ${messageOf(error)}`);
    return 1;
  }
}

/** `turnwire runs`, `attach` and `cancel` in a process. */
export async function runsIn(
  self: NodeJS.Process,
  options: RunsCommandOptions,
  { launcher, out, errors }: Omit<DaemonCommandParts, "version">,
): Promise<number> {
  const { runsCommand } = await import("./runsCommand.js");
  return runsCommand(options, {
    reach: reachFrom(self, options, launcher),
    ownServer: {
      env: self.env,
      serverCommand: { file: self.execPath, args: [launcher, "serve"] },
    },
    out,
    writeError: (line) => void errors.write(`${line}\n`),
  });
}

/** `turnwire run --detach` in a process. */
export async function detachIn(
  self: NodeJS.Process,
  options: RunCommandOptions,
  io: RunCommandIo,
  { launcher, out, errors }: Omit<DaemonCommandParts, "version">,
): Promise<number> {
  const { detachedRun } = await import("./detachedRun.js");
  return detachedRun(options, {
    ...io,
    reach: reachFrom(self, options, launcher),
    out,
    writeError: (line) => void errors.write(`${line}\n`),
  });
}

/** What a command to a daemon needs beside its process. */
interface DaemonCommandParts {
  readonly launcher: string;
  readonly version: string;
  readonly out: OutputStream;
  readonly errors: OutputStream;
}

/** `turnwire daemon start`, `stop` and `status` in a process. */
export async function daemonIn(
  self: NodeJS.Process,
  options: DaemonCommandOptions,
  { launcher, version, out, errors }: DaemonCommandParts,
): Promise<number> {
  return daemonCommand(options, {
    reach: reachFrom(self, options, launcher),
    version,
    writeOut: (line) => void out.write(`${line}\n`),
    writeError: (line) => void errors.write(`${line}\n`),
  });
}
