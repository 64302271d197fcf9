import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConnectionLostError, TurnwireClient } from "../../src/client/index.js";
import { FakeError, FakeServer } from "./fakeServer.js";

let server: FakeServer;
let client: TurnwireClient;

beforeEach(async () => {
  server = new FakeServer();
  client = await TurnwireClient.attach({ streams: server.connect, clientId: "me" });
});

afterEach(() => client.close());

const prompt = { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", prompt: "How many lines?" };

function tell(runId: string, delta: string): void {
  const part = { messageId: "m", partIndex: 0, kind: "text", offset: 0, delta };
  server.notify("messageDelta", { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", runId, ...part });
}

async function textOf(events: AsyncIterable<{ method: string; params: object }>) {
  const texts: string[] = [];
  for await (const { params } of events) if ("delta" in params) texts.push(String(params.delta));
  return texts;
}

describe("a run", () => {
  it("has its runId at once, and gives its own events until it ends", async () => {
    const run = client.run(prompt);
    const texts = textOf(run.events);
    const { params } = await server.arrival("sendMessage");
    expect(params.runId).toBe(run.runId);
    tell(run.runId, "There are ");
    tell("another", "not this");
    tell(run.runId, "42.");
    server.complete(run.runId);
    expect(await texts).toEqual(["There are ", "42."]);
    expect(await run.completion).toMatchObject({ runId: run.runId, status: "succeeded" });
    expect(await run).toEqual(await run.completion);
  });

  it("that fails ends its events as well", async () => {
    const run = client.run({ ...prompt, runId: "r" });
    const texts = textOf(run.events);
    await server.arrival("sendMessage");
    server.complete("r", { status: "failed", error: "no" });
    expect(await texts).toEqual([]);
    expect(await run).toMatchObject({ status: "failed" });
  });

  it("that is refused ends its events, and rejects whoever looks at it then", async () => {
    server.handlers.sendMessage = () => {
      throw new FakeError(1006, "no such session", { name: "SessionNotFound" });
    };
    const run = client.run(prompt);
    expect(await textOf(run.events)).toEqual([]);
    await expect(run).rejects.toMatchObject({ name: "SessionNotFound" });
    await expect(run.completion).rejects.toMatchObject({ name: "SessionNotFound" });
  });

  it("whose server is gone for good ends its events, and rejects", async () => {
    const lonely = new FakeServer();
    const streams = lonely.connect();
    const other = await TurnwireClient.attach({ streams });
    const run = other.run(prompt);
    const texts = textOf(run.events);
    await lonely.arrival("sendMessage");
    lonely.die();
    expect(await texts).toEqual([]);
    await expect(run).rejects.toBeInstanceOf(ConnectionLostError);
    await other.close();
  });

  it("is cancelled by `cancel`, before it is accepted as well as after", async () => {
    const early = client.run({ ...prompt, runId: "early" });
    early.cancel();
    const late = client.run({ ...prompt, runId: "late" });
    await server.arrival("sendMessage", 2);
    late.cancel();
    late.cancel();
    await server.arrival("cancelRun", 2);
    const cancelled = server.requests("cancelRun").map(({ params }) => params.runId);
    expect(cancelled.sort()).toEqual(["early", "late"]);
    for (const runId of ["early", "late"]) server.complete(runId, { status: "cancelled" });
    expect(await early).toMatchObject({ status: "cancelled" });
    expect(await late).toMatchObject({ status: "cancelled" });
    late.cancel();
  });

  it("takes part in whatever promises take part in", async () => {
    const one = client.run({ ...prompt, runId: "one" });
    const two = client.run({ ...prompt, runId: "two" });
    await server.arrival("sendMessage", 2);
    const ended: string[] = [];
    const all = Promise.all([one.finally(() => ended.push("one")), two.then(({ text }) => text)]);
    server.complete("one");
    server.complete("two");
    expect(await all).toMatchObject([{ runId: "one" }, "There are 42."]);
    expect(ended).toEqual(["one"]);
  });

  it("whose events are looked at when it is over has none, and does not hang", async () => {
    const run = client.run({ ...prompt, runId: "r" });
    await server.arrival("sendMessage");
    server.complete("r");
    await run;
    expect(await textOf(run.events)).toEqual([]);
  });

  it("with an option that there is not is refused, and nothing is sent", async () => {
    const misspelt = { ...prompt, promt: "What?" };
    await expect(client.run(misspelt)).rejects.toThrow("`run` has no option `promt`");
    await client.api.ping();
    expect(server.requests("sendMessage")).toEqual([]);
  });
});
