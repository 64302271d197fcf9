// `turnwire runs`, `attach RUN` and `cancel RUN`: runs that go on in a daemon (docs/cli.md).
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { attachToRun } from "./attachedRun.js";
import { noDaemonExitCode } from "./daemonExit.js";
import { type DaemonReach, NoDaemon } from "./daemonReach.js";
import { type OwnServer, withOwnServer } from "./ownServer.js";
import { exitCodes } from "./runOptions.js";
import type { Output } from "./runOutput.js";
import type { ListedRun, RunsCommandOptions } from "./runsOptions.js";
import { visibleLine } from "./visibleText.js";

/** What the commands need. */
export interface RunsCommandIo {
  readonly reach: DaemonReach;
  /** For a data directory without a daemon. */
  readonly ownServer: OwnServer;
  readonly out: Output;
  writeError(line: string): void;
}

/** Carries a command out; resolves with the exit code. Never rejects. */
export async function runsCommand(options: RunsCommandOptions, io: RunsCommandIo): Promise<number> {
  try {
    if (options.action === "list") return await list(options, io);
    const run = await runOf(options.runId, io.reach);
    if (options.action === "cancel") return await cancel(run, io);
    return await attachToRun(run, { ...io, isJson: options.json === true });
  } catch (error) {
    const isNone = error instanceof NoDaemon;
    const hint = isNone ? "; start one with `turnwire daemon start`" : "";
    io.writeError(`turnwire ${nameOf(options)}: ${messageOf(error)}${hint}`);
    return isNone ? noDaemonExitCode : exitCodes.failed;
  }
}

const nameOf = ({ action }: RunsCommandOptions) => (action === "list" ? "runs" : action);

async function list(
  { limit, dataDir, json }: Extract<RunsCommandOptions, { action: "list" }>,
  { reach, ownServer, out }: RunsCommandIo,
): Promise<number> {
  const params = defined({ limit });
  const { runs } = await reach.ask("listRuns", params).catch((error: unknown) => {
    if (!(error instanceof NoDaemon)) throw error;
    return withOwnServer(ownServer, dataDir, (client) => client.api.listRuns(params));
  });
  if (json) {
    await out.write(`${JSON.stringify({ runs })}\n`);
    return exitCodes.succeeded;
  }
  for (const { runId, state, acceptedAt, workspacePath = "", sessionTitle = "" } of runs) {
    const cells = [runId, state.padEnd(9), acceptedAt, workspacePath, sessionTitle];
    await out.write(`${visibleLine(cells.join("  ").trimEnd())}\n`);
  }
  return exitCodes.succeeded;
}

async function runOf(runId: string, reach: DaemonReach): Promise<ListedRun> {
  const [run] = (await reach.ask("listRuns", { runId, limit: 1 })).runs;
  if (run === undefined) {
    throw new Error(`there is no run ${JSON.stringify(runId)}; see turnwire runs`);
  }
  return run;
}

async function cancel(run: ListedRun, { reach, out }: RunsCommandIo): Promise<number> {
  const { runId, workspaceId, state } = run;
  if (state === "completed") {
    await out.write("the run has ended already\n");
    return exitCodes.succeeded;
  }
  const { outcome } = await reach.ask("cancelRun", { workspaceId, runId });
  const told: Readonly<Record<typeof outcome, string>> = {
    stopping: "the run stops",
    cancelledBeforeStart: "the run was cancelled before it began",
    alreadyCompleted: "the run has ended already",
    joined: "the run has joined another one, which goes on",
  };
  await out.write(`${told[outcome]}\n`);
  return exitCodes.succeeded;
}
