// `turnwire run --detach`: gives a prompt to the daemon, prints the run's id, and leaves (docs/cli.md).
import { systemClock } from "../base/clock.js";
import { randomIds } from "../base/ids.js";
import { untilAborted } from "../base/untilAborted.js";
import { TurnwireRpcError } from "../client/errors.js";
import { connectClient } from "./daemonClient.js";
import type { DaemonReach } from "./daemonReach.js";
import type { OwnServer } from "./ownServer.js";
import { readAttachments } from "./runAttachments.js";
import { Deeds, type EarlyEnd, earlyEnd, exitCodeOf } from "./runEnd.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import type { Output } from "./runOutput.js";
import { readPrompt } from "./runPrompt.js";
import { chooseSession, clientIdOf, openSession, type RunTarget } from "./runSession.js";

/** What is needed to detach a run. */
export interface DetachedRunIo extends RunCommandIo {
  readonly reach: DaemonReach;
  readonly out: Output;
  writeError(line: string): void;
}

/** Detaches a run; resolves with the exit code. Never rejects. */
export async function detachedRun(options: RunCommandOptions, io: DetachedRunIo): Promise<number> {
  const { out } = io;
  const isText = options.output === "text";
  const giveUp = new AbortController();
  const release = io.onInterrupt(() => giveUp.abort());
  const offer = new Offer();
  try {
    // A daemon that does not answer holds up nobody who wants to leave. The process ends after this.
    await untilAborted(detach(options, io, offer, giveUp.signal), giveUp.signal);
  } catch (error) {
    // One that was accepted is told of, however the connection ends.
    if (offer.accepted === undefined) {
      const end = earlyEnd(error, giveUp.signal.aborted ? "interrupt" : undefined, undefined);
      await tellEnd(end, offer, io, isText);
      return exitCodeOf(end, new Deeds(), error);
    }
  } finally {
    release();
  }
  const { accepted } = offer;
  await out.write(`${isText ? accepted?.runId : JSON.stringify(accepted)}\n`);
  if (out.failure === undefined) return exitCodes.succeeded;
  io.writeError(`turnwire run: the run ${accepted?.runId} was accepted`);
  return exitCodes.output;
}

/** What the daemon was asked to accept. */
class Offer {
  /** Nobody knows whether it was accepted. */
  unanswered: { readonly runId: string } | undefined;
  accepted: (RunRef & { readonly runId: string }) | undefined;
}

type RunRef = Pick<RunTarget, "workspaceId" | "sessionId">;

async function tellEnd(
  end: EarlyEnd,
  { unanswered }: Offer,
  { out, writeError }: DetachedRunIo,
  isText: boolean,
): Promise<void> {
  if (!isText) await out.write(`${JSON.stringify({ ...end, ...unanswered })}\n`);
  if (end.status === "failed") writeError(`turnwire run: ${end.error}`);
  if (unanswered !== undefined) writeError(`turnwire run: ${doubt(unanswered.runId)}`);
}

function doubt(runId: string): string {
  return `the daemon may have accepted the run ${runId}: \`turnwire runs\` lists it then, and \`turnwire cancel ${runId}\` stops it`;
}

/** Gives the prompt to the daemon, and lets go of it. */
async function detach(
  options: RunCommandOptions,
  io: DetachedRunIo,
  offer: Offer,
  signal: AbortSignal,
): Promise<void> {
  const { resolvePath, stdin, stdinKind = "other", reach, serverCommand, env } = io;
  const prompt = await readPrompt(options.prompt, {
    stdin,
    kind: stdinKind,
    signal,
    clock: systemClock,
    onSilent: () => {},
  });
  const attachments = await readAttachments(options.attach ?? [], resolvePath);
  const server: OwnServer = { serverCommand, env, signal };
  const chosen = await chooseSession(options, resolvePath, server);
  const connect = () => reach.connectOrStart();
  const client = await connectClient(connect, clientIdOf(chosen.sessionId));
  try {
    const resumable = { ...chosen, resumable: true } as const;
    const target = await openSession(client, resumable, options, resolvePath);
    // Who left before this wants no run.
    signal.throwIfAborted();
    const runId = randomIds.next("run");
    const asked = { ...target.options, onServerLoss: "continue" } as const;
    offer.unanswered = { runId };
    try {
      await client.api.sendMessage({ ...target, runId, prompt, attachments, options: asked });
    } catch (error) {
      // A refusal is an answer.
      if (error instanceof TurnwireRpcError) offer.unanswered = undefined;
      throw error;
    }
    offer.unanswered = undefined;
    const { workspaceId, sessionId } = target;
    offer.accepted = { runId, workspaceId, sessionId };
  } finally {
    await client.close();
  }
}
