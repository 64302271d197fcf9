// A client that stops reading in the middle of a turn of 100,000 chunks: for a while, for as long as
// many turns take, and for good. The run does not wait for it, memory stays bounded, and what must
// not be lost is not (protocol.md sections 5 and 6).
//
// What a reader that is away costs is decided by the bytes that come meanwhile: most of these tests
// send the bytes and do not wait. That time alone changes nothing is seen by those that do.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { isLong } from "../crash/longRun.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const clientId = "6f1f7c9a-7a51-4a46-8f0e-2f4f5d0f7a10";
const chunks = 100_000;
const chunkBytes = 20;
const script = `@chunks ${chunks} ${chunkBytes}`;
/** What the offline model streams, over and over (docs of the offline model). */
const pattern = "All work and no play makes Jack a dull boy. ";
const wholeText = pattern
  .repeat(Math.ceil((chunks * chunkBytes) / pattern.length))
  .slice(0, chunks * chunkBytes);
/**
 * What waits is bounded to 8 MiB of text; beside that a message is in memory as it grows, as JSON,
 * and as garbage for a while. Measured: 85 MB with one turn, 115 to 150 more with five others, and
 * no more than that with thirty. Chunks that piled up would add 50 MB with each turn.
 */
const mostGrowthMb = { ofOneTurn: 160, ofFiveMore: 240 };

describe.concurrent("a client that stops reading in a turn of 100,000 chunks", () => {
  it("for a while holds up nothing, and has every byte in the end", async () => {
    const { server, session, observer } = await startUnread();
    const before = residentMb(server);
    const completion = await observer.completed("first");
    expect(completion).toMatchObject({ status: "succeeded", attempt: 0 });
    expect(server.events("runComplete")).toEqual([]);
    expect(residentMb(server) - before).toBeLessThan(mostGrowthMb.ofOneTurn);
    server.child.stdout.resume();
    expect(await server.completion("first")).toMatchObject({ attempt: 1, textTruncated: true });
    expect(await textOfReply(session, String(completion.messageId))).toBe(wholeText);
    expectGapsTold(server);
  });

  it.each(isLong ? [5, 60] : [5])(
    "for %i seconds has its completion and every byte then, at the same cost",
    {
      timeout: 180_000,
    },
    async (seconds) => {
      const { server, session, observer } = await startUnread();
      const before = residentMb(server);
      const away = new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const [completion] = await Promise.all([observer.completed("first"), away]);
      expect(residentMb(server) - before).toBeLessThan(mostGrowthMb.ofOneTurn);
      expect(server.events("runComplete")).toEqual([]);
      server.child.stdout.resume();
      expect(await server.completion("first")).toMatchObject({ status: "succeeded", attempt: 1 });
      expect(await textOfReply(session, String(completion.messageId))).toBe(wholeText);
      expectGapsTold(server);
    },
  );

  it("for as long as five more such turns take costs bounded memory", async () => {
    const { server, others, observer } = await startUnread(5);
    await observer.completed("first");
    const afterOne = residentMb(server);
    for (const [index, other] of others.entries()) {
      server.send(other.prompt(script, `turn-${index + 1}`));
      await observer.completed(`turn-${index + 1}`);
    }
    expect(residentMb(server) - afterOne).toBeLessThan(mostGrowthMb.ofFiveMore);
    server.child.stdout.resume();
    const last = await server.completion("turn-5");
    expect(server.events("runComplete").map(({ runId }) => runId)).toEqual([
      "first",
      ...Array.from({ length: 5 }, (_, turn) => `turn-${turn + 1}`),
    ]);
    expect(await textOfReply(others.at(-1), String(last.messageId))).toBe(wholeText);
    expectGapsTold(server);
  });

  it("for good gets its completion when it comes back", async () => {
    const { server, session, observer } = await startUnread();
    await observer.completed("first");
    server.child.stdin.end();
    await new Promise((resolve) => server.child.once("exit", resolve));
    // What was left in the pipe may end inside a frame: nobody was there to take the rest.
    server.child.stdout.resume();
    await server.exit;
    server.violations.length = 0;

    const back = startServer({ dataDir: server.dataDir });
    const { pendingCompletions } = await back.call("initialize", { clientId });
    expect(pendingCompletions).toBe(1);
    const completion = await back.completion("first");
    expect(completion).toMatchObject({ status: "succeeded" });
    await back.call("createWorkspace", { path: session.path });
    const { parts } = await back.call("getMessage", {
      ...session.ids,
      messageId: String(completion.messageId),
    });
    expect(parts[0]).toEqual({ type: "text", text: wholeText });
  });
});

/**
 * A server in the middle of a turn, whose client has stopped reading, and one who looks on; `more`
 * sessions wait for a turn.
 */
describe.concurrent("an end that a client does not read (protocol.md section 5)", () => {
  const indexes = (server: ServerProcess, id: number) => ({
    answer: server.frames.findIndex((frame) => frame.id === id && frame.method === undefined),
    completion: server.frames.findIndex(({ method }) => method === "runComplete"),
  });

  /** Asks for the end of a workspace while nobody reads, and reads from some time later on. */
  async function deleted(readAfterMs: number) {
    const { server, session, observer } = await startUnread();
    await observer.completed("first");
    const { workspaceId } = session;
    server.send(server.request("deleteWorkspace", { workspaceId }, 4711));
    // What is shown is a limit of time.
    await new Promise((resolve) => setTimeout(resolve, readAfterMs));
    server.child.stdout.resume();
    await Promise.all([server.answer(4711), server.completion("first")]);
    return indexes(server, 4711);
  }

  it("is told before the answer where the client reads again soon", async () => {
    const { answer, completion } = await deleted(0);
    expect(completion).toBeLessThan(answer);
  });

  it("holds the answer up for two seconds, and not longer", async () => {
    const { answer, completion } = await deleted(4000);
    expect(answer).toBeLessThan(completion);
  });

  it("holds up neither a shutdown nor the process, and stays on disk", async () => {
    const { server, observer } = await startUnread();
    await observer.completed("first");
    const exited = new Promise((resolve) => server.child.once("exit", resolve));
    const begun = performance.now();
    server.send(server.request("shutdown"), JSON.stringify({ jsonrpc: "2.0", method: "exit" }));
    expect(await exited).toBe(0);
    // Two seconds for the answer, two for the end, and a machine that does much else.
    expect(performance.now() - begun).toBeLessThan(30_000);
    const next = startServer({ dataDir: server.dataDir });
    await next.call("initialize", { clientId });
    expect(await next.completion("first")).toMatchObject({ status: "succeeded" });
  });
});

async function startUnread(more = 0): Promise<{
  server: ServerProcess;
  session: WireSession;
  others: readonly WireSession[];
  observer: { completed(runId: string): ReturnType<ServerProcess["completion"]> };
}> {
  const server = startServer();
  await server.call("initialize", { clientId });
  const session = await openSession(server);
  const others: WireSession[] = [];
  while (others.length < more) others.push(await session.another());
  await session.send(script, "first");
  await server.event("messageDelta");
  server.child.stdout.pause();
  const other = startServer({ dataDir: server.dataDir });
  const { id: workspaceId } = await other.call("createWorkspace", { path: session.path });
  const completed = async (runId: string) => {
    for (;;) {
      const { error, result } = await other.ask("waitRun", { workspaceId, runId });
      if (error === undefined) return result as Awaited<ReturnType<ServerProcess["completion"]>>;
      // A prompt that nobody answers may not have been accepted yet.
      expect(error.data.name).toBe("RunNotFound");
    }
  };
  return { server, session, others, observer: { completed } };
}

async function textOfReply(
  session: WireSession | undefined,
  messageId: string,
): Promise<string | undefined> {
  if (session === undefined) return undefined;
  const message = await session.server.call("getMessage", { ...session.ids, messageId });
  const [part] = message.parts;
  return part?.type === "text" ? part.text : "";
}

/** Where a delta does not continue the one before it, something was dropped, and that was told. */
function expectGapsTold(server: ServerProcess): void {
  const ends = new Map<string, number>();
  let gaps = 0;
  for (const { messageId, partIndex, offset, delta } of server.events("messageDelta")) {
    const part = `${messageId} ${partIndex}`;
    if (offset !== (ends.get(part) ?? 0)) gaps++;
    ends.set(part, offset + delta.length);
  }
  const dropped = server.events("eventsDropped").reduce((sum, { count }) => sum + count, 0);
  expect(dropped).toBeGreaterThanOrEqual(gaps);
}

function residentMb(server: ServerProcess): number {
  if (process.platform === "linux") {
    const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
  }
  if (process.platform === "win32") return 0;
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(server.pid)])) / 1024;
}
