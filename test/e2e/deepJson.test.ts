// JSON that is nested deeper than anything needs: from a model, and from a client. Nothing that
// walks through it may fail half-way, and a session that has seen it goes on, after a restart too.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
const dataDir = makeFolder();
beforeAll(async () => {
  loopback = await startLoopbackServer({ dataDir });
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

const deepArguments = (depth: number) =>
  `{"path":"a","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;

describe("arguments of a tool call", () => {
  it.each([250, 3_000, 6_000, 50_000])(
    "%i levels deep are told to the model, and the run ends",
    async (depth) => {
      const { server, provider } = loopback;
      const session = await openSession(server);
      const input = deepArguments(depth);
      const fragment = { fragment: 10_000 };
      provider.enqueue(reply().toolCall("read", input, fragment), reply().text("flatter then"));
      const completion = await session.run("go deep", `deep-${depth}`);
      expect(completion).toMatchObject({ status: "succeeded", text: "flatter then" });
      const sent = JSON.stringify(provider.turnRequests.at(-1)?.body.messages);
      expect(sent).toContain("200 levels deep");
      provider.enqueue(reply().text("well"));
      expect(await session.run("and now?", `after-${depth}`)).toMatchObject({ text: "well" });
      const [, call] = await session.messages();
      expect(call?.parts[0]).toMatchObject({ type: "toolCall", state: "failed" });
    },
  );

  it("leave a session that goes on after a restart", async () => {
    const { server, provider, env } = loopback;
    const session = await openSession(server);
    const input = deepArguments(6_000);
    provider.enqueue(reply().toolCall("read", input, { fragment: 10_000 }), reply().text("one"));
    await session.run("go deep", "before-restart");
    await server.close();
    const second = startServer({ dataDir, env });
    loopback = { ...loopback, server: second };
    const again = await openSession(second, { path: session.path });
    provider.enqueue(reply().text("still here"));
    const ids = { workspaceId: again.workspaceId, sessionId: session.sessionId };
    await second.call("sendMessage", { ...ids, prompt: "and now?", runId: "after-restart" });
    expect(await second.completion("after-restart")).toMatchObject({ text: "still here" });
  });
});

describe("a client's JSON", () => {
  it.each([201, 3_000, 6_000, 100_000])(
    "%i levels deep is refused with its id, and the connection is well",
    async (depth) => {
      const { server } = loopback;
      const deep = "[".repeat(depth) + "]".repeat(depth);
      const id = 900_000 + depth;
      server.send(`{"jsonrpc":"2.0","id":${id},"method":"ping","params":{"x":${deep}}}`);
      server.send(`{"jsonrpc":"2.0","method":"exit","params":{"x":${deep}}}`);
      expect(await server.answer(id)).toMatchObject({
        error: { code: -32602, data: { name: "InvalidParams", retryable: false } },
      });
      expect(await server.call("ping", {})).toEqual({});
    },
  );
});
