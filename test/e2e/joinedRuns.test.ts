// protocol.md section 4, The queue: a run with a `runId` that joins a running turn, over the wire.
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ParamsInput } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
  userTexts,
} from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

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

type Options = NonNullable<ParamsInput<"sendMessage">["options"]>;

const join: Options = { whenBusy: "join" };
const asked = (session: WireSession, prompt: string, runId?: string, options = join) => ({
  ...session.params(prompt, runId),
  options,
});

/** A turn whose first model call waits at the gate and then calls a tool: a second call follows. */
async function beginToolTurn(session: WireSession, runId: string) {
  const { provider } = loopback;
  const first = provider.turnRequests.length;
  const gate = new Gate(provider);
  provider.enqueue(reply().gate(gate.opened).toolCall("ls", { path: "." }));
  await session.send("begin", runId);
  await gate.reached();
  return { gate, first };
}

describe("a run with `whenBusy: join`", () => {
  it("joins the next call, is told as running then, and ends with the turn", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const { gate, first } = await beginToolTurn(session, "turn-1");
    const sent = asked(session, "second", "join-1");
    expect(await server.call("sendMessage", sent)).toEqual({ runId: "join-1", state: "accepted" });
    expect(await server.call("getRun", { workspaceId, runId: "join-1" })).toMatchObject({
      state: "queued",
      options: join,
    });
    const last = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(last.opened).text("for both"));
    gate.open();
    await last.reached();
    expect(await server.call("getRun", { workspaceId, runId: "join-1" })).toMatchObject({
      state: "running",
    });
    expect(await server.call("sendMessage", sent)).toEqual({
      runId: "join-1",
      state: "running",
      duplicate: true,
    });
    expect(await server.call("cancelRun", { workspaceId, runId: "join-1" })).toEqual({
      outcome: "joined",
    });
    last.open();
    const own = await server.completion("turn-1");
    const joined = await server.completion("join-1");
    expect(own).toMatchObject({ status: "succeeded", text: "for both", foldedPrompts: 1 });
    const { status, text, messageId, sequence, completionId } = own;
    expect(joined).toMatchObject({ status, text, messageId, sequence: sequence + 1 });
    expect(joined.joined).toEqual({ completionId, runId: "turn-1" });
    expect(joined.usage).toBeUndefined();
    expect(userTexts(await turnRequest(loopback.provider, first + 1))).toEqual(["begin", "second"]);
    expect(await server.call("waitRun", { workspaceId, runId: "join-1" })).toMatchObject({
      joined: { completionId },
    });
  });

  it("gets the output of the turn that it joins", async () => {
    const session = await openSession(server);
    const { provider } = loopback;
    const gate = new Gate(provider);
    provider.enqueue(
      reply().gate(gate.opened).toolCall("ls", { path: "." }),
      reply().toolCall("finalOutput", { sum: 3 }),
    );
    const outputSchema = { type: "object", properties: { sum: { type: "integer" } } };
    const options = { outputSchema };
    await server.call("sendMessage", asked(session, "add", "output-1", options));
    await gate.reached();
    await server.call("sendMessage", asked(session, "one more", "join-2"));
    gate.open();
    expect(await server.completion("join-2")).toMatchObject({
      status: "succeeded",
      output: { sum: 3 },
      joined: { runId: "output-1" },
    });
  });

  it("with any other option is `InvalidParams`, and leaves no trace", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    for (const other of [{ instructions: "Be brief." }, { limits: { steps: 1 } }, { later: 1 }]) {
      const sent = asked(session, "x", "join-3", { ...join, ...other } as Options);
      expect(await server.failure("sendMessage", sent)).toBe("InvalidParams");
    }
    expect(await server.failure("getRun", { workspaceId, runId: "join-3" })).toBe("RunNotFound");
  });

  it.each(["host", "guest"])("is taken back with its turn, by the name of the %s", async (by) => {
    const session = await openSession(server);
    const { provider } = loopback;
    const [host, guest] = [`host-${by}`, `guest-${by}`];
    provider.enqueue(reply().text("before"));
    await session.run("before", `before-${by}`);
    const before = await session.messages();
    const gate = new Gate(provider);
    provider.enqueue(
      reply().gate(gate.opened).toolCall("write", { path: "made", content: "x" }),
      reply().text("for both"),
    );
    await session.send("begin", host);
    await gate.reached();
    await server.call("sendMessage", asked(session, "second", guest));
    gate.open();
    await server.completion(host);
    expect(await server.completion(guest)).toMatchObject({ joined: { runId: host } });
    const taken = await server.call("rewindSession", {
      ...session.ids,
      runId: by === "host" ? host : guest,
    });
    expect(taken).toMatchObject({ files: [{ path: "made", change: "removed" }], conflicts: [] });
    expect(existsSync(`${session.path}/made`)).toBe(false);
    expect(await session.messages()).toEqual(before);
    const { workspaceId } = session;
    expect(await server.call("getRun", { workspaceId, runId: guest })).toMatchObject({
      state: "completed",
    });
  });

  it("as a default of the session holds for runs without options of their own", async () => {
    const first = await openSession(server);
    const defaults: Options = { ...join, instructions: "Be brief." };
    const { workspaceId } = first;
    const { id } = await server.call("createSession", { workspaceId, title: "t", defaults });
    const ids = { workspaceId, sessionId: id };
    const { provider } = loopback;
    const gate = new Gate(provider);
    provider.enqueue(reply().gate(gate.opened).toolCall("ls", { path: "." }));
    await server.call("sendMessage", { ...ids, prompt: "begin", runId: "turn-4" });
    await gate.reached();
    await server.call("sendMessage", { ...ids, prompt: "joins", runId: "join-4" });
    const options = { instructions: "Be long." };
    await server.call("sendMessage", { ...ids, prompt: "waits", runId: "queue-4", options });
    gate.open();
    expect((await server.completion("join-4")).joined).toMatchObject({ runId: "turn-4" });
    expect(await server.completion("queue-4")).not.toHaveProperty("joined");
  });
});
