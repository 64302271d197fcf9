// Twenty sessions at once share their commits, and their messages wait for these. What a client was told
// of can still be read after a kill, in its order, and each accepted run has an end.
import { afterAll, expect, it } from "vitest";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import type { WireFrame } from "../helpers/wireChecks.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

const atOnce = 20;
/** The kills come after so many completions. */
const killedAfter = [5, 60, 130];

afterAll(endServers);

const paramsOf = ({ params }: WireFrame) => (params ?? {}) as Record<string, unknown>;
const messageOf = (frame: WireFrame) => paramsOf(frame).message as { readonly id: string };

/** Runs one turn after the other, until the server is gone. */
async function keepBusy(session: WireSession, accepted: Set<string>): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    const runId = `${session.sessionId}-${turn}`;
    await session.send("@chunks 3 20", runId);
    accepted.add(runId);
    await session.server.completion(runId);
  }
}

/** What a client was told of each message comes behind the message, and before the end of its run. */
function checkOrder(frames: readonly WireFrame[]): void {
  const [told, over] = [new Set<string>(), new Set<unknown>()];
  for (const frame of frames) {
    const { runId, messageId } = paramsOf(frame);
    if (frame.method === "messageCreated") told.add(messageOf(frame).id);
    if (frame.method === "messageDelta") expect(told).toContain(messageId);
    if (frame.method === "messageUpdated") expect(told).toContain(messageOf(frame).id);
    if (frame.method?.startsWith("message")) expect(over).not.toContain(runId);
    if (frame.method === "runComplete") over.add(runId);
  }
}

async function untilKilled(server: ServerProcess, path: string, ends: number) {
  const accepted = new Set<string>();
  const sessions: WireSession[] = [];
  for (let n = 0; n < atOnce; n++) sessions.push(await openSession(server, { path }));
  const isEnd = ({ method }: WireFrame) => method === "runComplete";
  const before = server.frames.filter(isEnd).length;
  // They end with the server.
  for (const session of sessions) void keepBusy(session, accepted).catch(() => {});
  const ended = () => server.frames.filter(isEnd).length - before;
  await expect.poll(ended, { interval: 5, timeout: 60_000 }).toBeGreaterThan(ends);
  await server.kill();
  return accepted;
}

it.each(killedAfter)(
  "keep what was told, and end what was accepted (killed after %d)",
  async (ends) => {
    const [dataDir, path] = [makeFolder(), makeFolder()];
    const clientId = "busy";
    const server = startServer({ dataDir });
    await server.call("initialize", { clientId });
    const accepted = await untilKilled(server, path, ends);
    checkOrder(server.frames);
    const next = startServer({ dataDir });
    await next.call("initialize", { clientId });
    const completed = new Set(
      server.frames.flatMap((frame) =>
        frame.method === "runComplete" ? paramsOf(frame).runId : [],
      ),
    );
    for (const runId of accepted) {
      if (!completed.has(runId)) expect(await next.completion(runId)).toMatchObject({ runId });
    }
    const created = server.frames.filter(({ method }) => method === "messageCreated");
    expect(created.length).toBeGreaterThan(ends);
    const { id: workspaceId } = await next.call("createWorkspace", { path });
    for (const frame of created) {
      const ids = { workspaceId, sessionId: String(paramsOf(frame).sessionId) };
      const { id } = messageOf(frame);
      expect(await next.call("getMessage", { ...ids, messageId: id })).toMatchObject({ id });
    }
    await next.close();
  },
);
