// `turnwire run --detach`: gives a prompt to the daemon, prints the run's id, and leaves (docs/cli.md).
import { systemClock } from "../base/clock.js";
import { randomIds } from "../base/ids.js";
import { connectClient } from "./daemonClient.js";
import type { DaemonReach } from "./daemonReach.js";
import type { OwnServer } from "./ownServer.js";
import { readAttachments } from "./runAttachments.js";
import { Deeds, earlyEnd, exitCodeOf } from "./runEnd.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import type { Output } from "./runOutput.js";
import { readPrompt } from "./runPrompt.js";
import { chooseSession, clientIdOf, openSession } from "./runSession.js";

/** What is needed to detach a run. */
export interface DetachedRunIo extends RunCommandIo {
  readonly reach: DaemonReach;
  readonly out: Output;
  writeError(line: string): void;
}

/** Detaches a run; resolves with the exit code. Never rejects. */
export async function detachedRun(options: RunCommandOptions, io: DetachedRunIo): Promise<number> {
  const { out, resolvePath, stdin, stdinKind = "other", reach, serverCommand, env } = io;
  const isText = options.output === "text";
  const giveUp = new AbortController();
  const release = io.onInterrupt(() => giveUp.abort());
  try {
    const prompt = await readPrompt(options.prompt, {
      stdin,
      kind: stdinKind,
      signal: giveUp.signal,
      clock: systemClock,
      onSilent: () => {},
    });
    const attachments = await readAttachments(options.attach ?? [], resolvePath);
    const server: OwnServer = { serverCommand, env, signal: giveUp.signal };
    const chosen = await chooseSession(options, resolvePath, server);
    const connect = () => reach.connectOrStart();
    const client = await connectClient(connect, clientIdOf(chosen.sessionId));
    try {
      const target = await openSession(
        client,
        { ...chosen, resumable: true },
        options,
        resolvePath,
      );
      const runId = randomIds.next("run");
      await client.api.sendMessage({
        ...target,
        runId,
        prompt,
        attachments,
        options: { ...target.options, onServerLoss: "continue" },
      });
      const { workspaceId, sessionId } = target;
      const told = { runId, workspaceId, sessionId };
      await out.write(`${isText ? runId : JSON.stringify(told)}\n`);
    } finally {
      await client.close();
    }
    return out.failure === undefined ? exitCodes.succeeded : exitCodes.output;
  } catch (error) {
    const end = earlyEnd(error, giveUp.signal.aborted ? "interrupt" : undefined, undefined);
    if (!isText) await out.write(`${JSON.stringify(end)}\n`);
    if (end.status === "failed") io.writeError(`turnwire run: ${end.error}`);
    return exitCodeOf(end, new Deeds(), error);
  } finally {
    release();
  }
}
