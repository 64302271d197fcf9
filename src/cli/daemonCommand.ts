// `turnwire daemon start`, `stop` and `status` (protocol.md section 2, The daemon).
import { messageOf } from "../base/errors.js";
import type { Result } from "../protocol/registry.js";
import type { DaemonCommandOptions } from "./daemonOptions.js";
import { type DaemonReach, LostDaemon, NoDaemon } from "./daemonReach.js";
import { exitCodes } from "./runOptions.js";

/** The exit code of `status` where no daemon serves, as of a service that does not run. */
const notRunning = 3;
/** How long a daemon may take to end, in milliseconds: its running turns are cancelled first. */
const endMs = 45_000;

/** What the commands need. */
export interface DaemonCommandIo {
  readonly reach: DaemonReach;
  readonly version: string;
  writeOut(line: string): void;
  writeError(line: string): void;
}

/** How often a daemon is started where others start those of another version. */
const mostStarts = 5;

type Status = Result<"daemonStatus">;

/** Carries a command out; resolves with the exit code. Never rejects. */
export async function daemonCommand(
  options: DaemonCommandOptions,
  io: DaemonCommandIo,
): Promise<number> {
  try {
    const status = await statusOf(io.reach);
    if (options.action === "start") return await start(options, status, io);
    if (options.action === "stop") return await stop(status, io);
    tell(status, options.json === true, io);
    return status === undefined ? notRunning : exitCodes.succeeded;
  } catch (error) {
    io.writeError(`turnwire daemon: ${messageOf(error)}`);
    return exitCodes.failed;
  }
}

/** A daemon of another version makes room; its open runs end in it. */
async function start(
  options: DaemonCommandOptions,
  status: Status | undefined,
  { reach, version, writeOut }: DaemonCommandIo,
): Promise<number> {
  if (status?.version === version) {
    writeOut(`a daemon serves already (process ${status.pid})`);
    return exitCodes.succeeded;
  }
  let found = status;
  for (let starts = 0; starts < mostStarts; starts++) {
    if (found !== undefined) {
      await end(true, reach);
      const rest = found.isBusy ? "; its open runs end in it" : "";
      writeOut(`the daemon of version ${found.version} makes room${rest}`);
    }
    await reach.start(argumentsOf(options));
    const now = await reach.ask("daemonStatus", {});
    if (now.version === version) {
      writeOut(`a daemon serves ${now.dataDirectory} (process ${now.pid})`);
      return exitCodes.succeeded;
    }
    // A client of another version was faster.
    found = now;
  }
  throw new Error(`a daemon of version ${found?.version} comes again and again`);
}

async function stop(
  status: Status | undefined,
  { reach, writeOut }: DaemonCommandIo,
): Promise<number> {
  if (status === undefined) {
    writeOut("no daemon serves this data directory");
    return exitCodes.succeeded;
  }
  await end(false, reach);
  if (!(await reach.ended(status.pid, endMs))) throw new Error("the daemon has not ended yet");
  writeOut(`the daemon has ended (process ${status.pid})`);
  return exitCodes.succeeded;
}

/** Asks a daemon to make room or to end; one that has ended by itself meanwhile is as good. */
async function end(drain: boolean, reach: DaemonReach): Promise<void> {
  try {
    await reach.ask("stopDaemon", { drain });
  } catch (error) {
    if (!(error instanceof LostDaemon || error instanceof NoDaemon)) throw error;
  }
}

function tell(status: Status | undefined, isJson: boolean, { writeOut }: DaemonCommandIo): void {
  if (isJson) {
    const { environment: _, ...told } = status ?? { environment: undefined };
    writeOut(JSON.stringify({ isRunning: status !== undefined, ...told }));
    return;
  }
  if (status === undefined) {
    writeOut("no daemon serves this data directory");
    return;
  }
  const { pid, version, startedAt, connections, workspaces, isBusy } = status;
  writeOut(`process ${pid}, Turnwire ${version}, since ${startedAt}`);
  const runs = isBusy ? "runs are open" : "no run is open";
  // The asker is one of them.
  writeOut(`clients: ${connections - 1}, open workspaces: ${workspaces}, ${runs}`);
}

async function statusOf(reach: DaemonReach): Promise<Status | undefined> {
  try {
    return await reach.ask("daemonStatus", {});
  } catch (error) {
    if (error instanceof NoDaemon) return undefined;
    throw error;
  }
}

/** How the daemon itself is called. */
function argumentsOf(options: DaemonCommandOptions): string[] {
  const { idleSeconds, lingerSeconds, logLevel, logFile, maxMessageBytes, inspect } = options;
  const file = logFile === undefined ? [] : [`--log-file=${logFile}`];
  return [
    `--idle=${idleSeconds}`,
    `--linger=${lingerSeconds}`,
    `--log-level=${logLevel}`,
    `--max-message-bytes=${maxMessageBytes}`,
    ...(inspect ? ["--inspect"] : []),
    ...file,
  ];
}
