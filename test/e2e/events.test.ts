// protocol.md section 6: what is told while a turn runs.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

/** The deltas of a run by part and kind, each put together; fails where an offset has a gap. */
function assembled(from: ServerProcess, runId: string): Record<string, string> {
  const parts: Record<string, string> = {};
  for (const { messageId, partIndex, kind, offset, delta } of from.events("messageDelta", {
    runId,
  })) {
    const part = `${messageId} ${partIndex} ${kind}`;
    const before = parts[part] ?? "";
    expect(offset).toBe(before.length);
    expect(delta).not.toBe("");
    parts[part] = before + delta;
  }
  return parts;
}

describe("messageDelta", () => {
  it("has contiguous offsets in UTF-16 units, for every kind of part", async () => {
    const session = await openSession(server);
    writeFileSync(join(session.path, "a.txt"), "content");
    const command = "printf 'naïve 😀 '; sleep 0.1; printf 'and more'";
    loopback.provider.enqueue(
      reply()
        .reasoning("Hm, ", "😀 ", "let me see.")
        .text("I ", "look ", "intö 😀😀 ", "it.")
        .toolCall("bash", { command }, { fragment: 3 })
        .inPieces(7),
      reply().text("Done", "."),
    );
    await session.run("look", "offset-1");
    const [, assistant, tool, last] = await session.messages();
    expect(assembled(server, "offset-1")).toEqual({
      [`${assistant?.id} 0 reasoning`]: "Hm, 😀 let me see.",
      [`${assistant?.id} 1 text`]: "I look intö 😀😀 it.",
      [`${assistant?.id} 2 toolInput`]: JSON.stringify({ command }),
      [`${tool?.id} 0 toolOutput`]: "naïve 😀 and more",
      [`${last?.id} 0 text`]: "Done.",
    });
    expect(assistant?.parts).toMatchObject([
      { type: "reasoning", text: "Hm, 😀 let me see." },
      { type: "text", text: "I look intö 😀😀 it." },
      { type: "toolCall", name: "bash", input: { command }, state: "completed" },
      { type: "finish", reason: "toolUse" },
    ]);
    expect(tool?.parts).toMatchObject([{ type: "toolResult", name: "bash", isError: false }]);
  });

  it("is as fine as the model streams while the pipe is free, and coarser when it is not", async () => {
    const mine = startServer();
    const session = await openSession(mine);
    const { text } = await session.run("@chunks 20000 50", "merge-1");
    expect(mine.events("eventsDropped")).toEqual([]);
    const deltas = mine.events("messageDelta", { runId: "merge-1" });
    expect(deltas.length).toBeLessThan(20_000);
    expect(deltas.map(({ delta }) => delta).join("")).toBe(text);
    assembled(mine, "merge-1");
  });

  it("begins again behind a `messageUpdated` when a call is tried again", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("Once ", "upon").cut(), reply().text("Twice."));
    await session.run("tell", "retry-1");
    let text = "";
    for (const { method, params } of server.frames) {
      if (params?.runId !== "retry-1") continue;
      const { message, offset, delta } = Object(params);
      if (method === "messageUpdated" && message.role === "assistant") {
        text = message.parts.find(({ type }: { type: string }) => type === "text")?.text ?? "";
      }
      if (method !== "messageDelta") continue;
      expect(offset).toBe(text.length);
      text += delta;
    }
    expect(text).toBe("Twice.");
  });
});

describe("every event of a turn", () => {
  it("carries where it belongs, and the messages come as created, streamed, finished", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("a").toolCall("ls", {}), reply().text("b"));
    await session.run("look", "who-1");
    const of = server.frames.filter(({ params }) => params?.runId === "who-1");
    for (const { params } of of) expect(params).toMatchObject(session.ids);
    const stored = await session.messages();
    const created = server.events("messageCreated", { runId: "who-1" });
    expect(created.map(({ message }) => message.id)).toEqual(stored.map(({ id }) => id));
    const updated = server.events("messageUpdated", { runId: "who-1" });
    for (const message of stored.filter(({ role }) => role !== "user")) {
      expect(updated.findLast((one) => one.message.id === message.id)?.message).toEqual(message);
    }
    expect(server.events("agentFinished", { runId: "who-1" })).toEqual([
      { ...session.ids, runId: "who-1", sessionTitle: "a session" },
    ]);
    expect(of.at(-1)?.method).toBe("runComplete");
  });

  it("has no `runId` where the run has none", async () => {
    const session = await openSession(server);
    await session.send("hello");
    await server.event("runComplete", { sessionId: session.sessionId });
    const of = server.frames.filter(({ params }) => params?.sessionId === session.sessionId);
    expect(of.length).toBeGreaterThan(4);
    for (const { params } of of) expect(params).not.toHaveProperty("runId");
  });
});

it("sessionUpdated tells when a session becomes busy and when it is free", async () => {
  const session = await openSession(server);
  await session.run("hello", "busy-1");
  const told = server.events("sessionUpdated", { sessionId: session.sessionId });
  expect(told.at(0)?.session.isBusy).toBe(true);
  expect(told.at(-1)?.session.isBusy).toBe(false);
});

it("agentFinished is told of a turn that fails and of one that is cancelled, too", async () => {
  const mine = startServer();
  const session = await openSession(mine);
  await session.run("@fail 400 no", "end-1");
  await session.send("@wait 60000", "end-2");
  await mine.event("messageCreated", { runId: "end-2" });
  await session.cancel();
  await mine.completion("end-2");
  expect(mine.events("agentFinished").map(({ runId }) => runId)).toEqual(["end-1", "end-2"]);
});
