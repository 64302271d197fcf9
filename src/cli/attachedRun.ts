// `turnwire attach RUN`: what a run of the daemon has said so far, and then what it says until its end
// (docs/cli.md).
import { ConnectionLostError, TurnwireRpcError } from "../client/errors.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { connectClient } from "./daemonClient.js";
import type { DaemonReach } from "./daemonReach.js";
import { Deeds, exitCodeOf } from "./runEnd.js";
import type { Output } from "./runOutput.js";
import { clientIdOf } from "./runSession.js";
import type { ListedRun } from "./runsOptions.js";
import { RunText } from "./runText.js";

/** The longest wait of one `waitRun`, in milliseconds. */
const longestWaitMs = 3_600_000;

const daemonGone =
  "the daemon was stopped or lost before the run ended; a run of `turnwire run --detach` goes on with the next `turnwire daemon start`, and `turnwire attach` shows it again";

const endedWithServer = "the run was cancelled, because its server was stopped";

/** What is needed to show a run. */
export interface AttachedRunOptions {
  readonly reach: DaemonReach;
  readonly out: Output;
  readonly isJson: boolean;
  writeError(line: string): void;
}

/** What was shown so far, by the daemons that were lost too. */
interface Shown {
  readonly deeds: Deeds;
  readonly text: RunText;
  /** The daemon that is asked. */
  client: TurnwireClient;
  opened: ReturnType<typeof reopener>;
}

/**
 * Shows a run to its end; resolves with its exit code. Where another daemon has taken the place of the one
 * that it asked, it asks that one for the rest. Rejects with what went wrong.
 */
export async function attachToRun(run: ListedRun, options: AttachedRunOptions): Promise<number> {
  const { out, isJson, writeError } = options;
  const { workspaceId, sessionId } = run;
  const shown: Shown = {
    deeds: new Deeds(),
    text: new RunText({
      write: async (chunk) => {
        if (!isJson) await out.write(chunk);
      },
      getMessage: (messageId) =>
        shown.opened(() => shown.client.api.getMessage({ workspaceId, sessionId, messageId })),
    }),
    ...(await connected(run, options)),
  };
  for (;;) {
    const { client } = shown;
    try {
      return await show(shown, run, options);
    } catch (error) {
      if (!isLeaving(error)) throw error;
      Object.assign(shown, await connected(run, options, error));
      writeError("turnwire attach: another daemon serves now, and is asked for the rest");
    } finally {
      await client.close();
    }
  }
}

/** Whether a daemon is gone, or has made room and opens no workspace any more. */
function isLeaving(error: unknown): error is Error {
  if (error instanceof TurnwireRpcError) return error.name === "ServerShuttingDown";
  return error instanceof ConnectionLostError;
}

/** `lost` is why the daemon is gone that was asked before. */
async function connected(run: ListedRun, { reach }: AttachedRunOptions, lost?: Error) {
  const client = await connectClient(() => reach.connect(), clientIdOf(run.sessionId)).catch(
    (error: unknown) => {
      throw lost === undefined ? error : new Error(daemonGone, { cause: lost });
    },
  );
  return { client, opened: reopener(client, run) };
}

async function show(
  { client, opened, deeds, text }: Shown,
  run: ListedRun,
  { out, isJson, writeError }: AttachedRunOptions,
): Promise<number> {
  const { workspaceId, sessionId, runId } = run;
  const hasEnded = new AbortController();
  const events = client.events({ signal: hasEnded.signal });
  const isRunning = async () =>
    (await opened(() => client.api.getRun({ workspaceId, runId }))).state === "running";
  const ranBefore = await isRunning();
  const { messages, live } = await opened(() => client.api.subscribe({ workspaceId, sessionId }));
  if (!live) writeError("turnwire attach: another server runs it; its end is waited for");
  const take = async (event: LossyEvent) => {
    deeds.take(event);
    await text.take(event);
  };
  // What was said belongs to this run if it ran before and after: else it is another's.
  if (ranBefore && (await isRunning())) {
    for (const message of messages) {
      const params = { workspaceId, sessionId, runId, message };
      await take({ method: "messageUpdated", params });
    }
  }
  const shown = (async () => {
    for await (const event of events) {
      if ("runId" in event.params && event.params.runId === runId) await take(event);
    }
  })();
  // It is awaited below. Until then a failure must not count as unhandled.
  shown.catch(() => {});
  const completion = await opened(() => endOf(client, run)).catch(async (error: unknown) => {
    hasEnded.abort();
    // What went wrong is told, and not what it has led to.
    await shown.catch(() => {});
    await text.end();
    throw error;
  });
  hasEnded.abort();
  await shown;
  if (isJson) await out.write(`${JSON.stringify(completion)}\n`);
  else
    await text.finish(completion.messageId).catch((error: unknown) => {
      // One that makes room has told the end, and perhaps not all that was said: the next one has that.
      if (completion.cause !== "shutdown") throw error;
      ignoreLeaving(error);
      return text.end();
    });
  if (out.failure !== undefined) throw out.failure;
  const why = completion.error ?? (completion.cause === "shutdown" ? endedWithServer : undefined);
  if (why !== undefined) writeError(`turnwire attach: ${why}`);
  // One that belongs to another client is not this one's to acknowledge, and stays.
  await client.acknowledge([completion.completionId]).catch(ignoreLeaving);
  return exitCodeOf(completion, deeds);
}

/**
 * A daemon that is stopped ends its runs, tells their ends, and answers nothing more. What was said has been
 * shown by then, and a completion that is not acknowledged is delivered again.
 */
function ignoreLeaving(error: unknown): void {
  if (!isLeaving(error)) throw error;
}

/**
 * Makes requests about a workspace, which is opened where it is not open. One that is open is not held:
 * what its holders have said of it must stay. So it may close when the run has ended, and is opened again.
 */
function reopener(client: TurnwireClient, { workspacePath = "" }: ListedRun) {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const isClosed = error instanceof TurnwireRpcError && error.name === "WorkspaceNotFound";
      if (!isClosed) throw error;
      await client.api.createWorkspace({ path: workspacePath });
      return work();
    }
  };
}

async function endOf(client: TurnwireClient, run: ListedRun): Promise<RunComplete> {
  const { workspaceId, runId } = run;
  for (;;) {
    const told = await client.api.waitRun({ workspaceId, runId, timeoutMs: longestWaitMs });
    if (!("timedOut" in told)) return told;
  }
}
