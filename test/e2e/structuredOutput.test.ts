// protocol.md section 4, Output: a run that is to end with a value.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ParamsInput } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import {
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
} from "../helpers/loopbackServer.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

type Options = NonNullable<ParamsInput<"sendMessage">["options"]>;

const outputSchema = {
  type: "object",
  properties: { lines: { type: "integer", minimum: 1 }, name: { type: "string" } },
  required: ["lines"],
  additionalProperties: false,
};
const output = (value: unknown) => `@output ${JSON.stringify(value)}`;

async function run(session: WireSession, prompt: string, runId: string, options: Options) {
  const params = { ...session.params(prompt, runId), options };
  await session.server.call("sendMessage", params);
  return session.server.completion(runId);
}

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = startServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

describe("a value that fits", () => {
  it("is in the completion, and on disk with it for the next server", async () => {
    const dataDir = makeFolder();
    const path = makeFolder();
    const before = startServer({ dataDir });
    await before.call("initialize", { clientId: "ada" });
    const session = await openSession(before, { path });
    const value = { lines: 42, name: "ä\u2028😀" };
    expect(
      await run(session, `@say counted\n${output(value)}`, "fits", { outputSchema }),
    ).toMatchObject({
      status: "succeeded",
      text: "counted",
      output: value,
    });
    await before.kill();
    const after = startServer({ dataDir });
    await after.call("initialize", { clientId: "ada" });
    expect(await after.completion("fits")).toMatchObject({ output: value, attempt: 2 });
    await openSession(after, { path });
    const { workspaceId } = session;
    expect(await after.call("getRun", { workspaceId, runId: "fits" })).toMatchObject({
      options: { outputSchema },
      completion: { output: value },
    });
  });

  it("may come at the third try; what is wrong goes back to the model", async () => {
    const session = await openSession(server);
    const script = [output({}), output({ lines: "42" }), output({ lines: 42 })].join("\n");
    expect(await run(session, script, "third", { outputSchema })).toMatchObject({
      status: "succeeded",
      output: { lines: 42 },
    });
    const text = JSON.stringify(await session.messages());
    expect(text).toContain("must have required property 'lines'");
    expect(text).toContain("/lines: must be integer");
  });

  it("ends the run behind the other calls of its reply, in the mode `plan` and with no tools too", async () => {
    const session = await openSession(loopback.server);
    const index = loopback.provider.turnRequests.length;
    loopback.provider.enqueue(
      reply().text("done").toolCall("ls", {}).toolCall("finalOutput", { lines: 7 }),
    );
    const options: Options = { outputSchema, permissionMode: "plan", tools: { allow: [] } };
    expect(await run(session, "count", "plan-out", options)).toMatchObject({
      status: "succeeded",
      output: { lines: 7 },
    });
    const { body } = await turnRequest(loopback.provider, index);
    const { tools } = body as unknown as {
      tools: { function: { name: string; parameters: object } }[];
    };
    expect(tools.map((tool) => tool.function.name)).toEqual(["finalOutput"]);
    expect(tools[0]?.function.parameters).toMatchObject({ required: ["lines"] });
    expect(loopback.provider.turnRequests.length).toBe(index + 1);
  });

  it("is asked for again where a reply ends without it, and the reminder is not stored", async () => {
    const session = await openSession(loopback.server);
    const index = loopback.provider.turnRequests.length;
    loopback.provider.enqueue(
      reply().text("There are seven."),
      reply().toolCall("finalOutput", { lines: 7 }),
    );
    expect(await run(session, "count", "reminded", { outputSchema })).toMatchObject({
      output: { lines: 7 },
    });
    const { body } = await turnRequest(loopback.provider, index + 1);
    expect(JSON.stringify(body.messages.at(-1))).toContain("You have not given your result");
    expect(JSON.stringify(await session.messages())).not.toContain("You have not given");
    expect(await session.run("and now?", "after")).toMatchObject({ status: "succeeded" });
  });
});

describe("without a value that fits", () => {
  it("the run fails as `OutputInvalid` at the third try, and no sooner or later", async () => {
    const session = await openSession(server);
    const script = Array.from({ length: 5 }, (_, n) => output({ wrong: n })).join("\n");
    const completion = await run(session, script, "invalid", { outputSchema });
    expect(completion).toMatchObject({
      status: "failed",
      errorName: "OutputInvalid",
      error: expect.stringContaining("in 3 tries"),
    });
    expect(completion).not.toHaveProperty("output");
    expect(await run(session, "@say no value", "words", { outputSchema })).toMatchObject({
      errorName: "OutputInvalid",
    });
    expect(await session.run("@say fine", "plain")).toMatchObject({ status: "succeeded" });
  });

  it("a pattern that would take years ends in time", async () => {
    const session = await openSession(server);
    const slow = { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } };
    const script = `${output({ a: `${"a".repeat(64)}!` })}\n${output({ a: "aaa" })}`;
    const sent = run(session, script, "slow", { outputSchema: slow });
    await server.event("messageUpdated", { runId: "slow" });
    const asked = performance.now();
    await server.settle();
    expect(performance.now() - asked).toBeLessThan(4_000);
    expect(await sent).toMatchObject({ status: "succeeded", output: { a: "aaa" } });
  });
});

describe("a schema that cannot be used is `InvalidParams`, and leaves no trace", () => {
  it.each([
    ["another root", { type: "array" }],
    ["no schema", { type: "object", properties: { a: { type: "strin" } } }],
    ["a reference that leads out", { $ref: "http://127.0.0.1:9/x" }],
    ["more than 64 KiB", { type: "object", description: "x".repeat(65_536) }],
  ])("%s", async (name, schema) => {
    const session = await openSession(server);
    const params = { ...session.params("@say x", name), options: { outputSchema: schema } };
    expect(await server.fail("sendMessage", params)).toMatchObject({
      data: { name: "InvalidParams", issues: [{ path: "options.outputSchema" }] },
    });
    const { workspaceId } = session;
    expect(await server.failure("getRun", { workspaceId, runId: name })).toBe("RunNotFound");
    const defaults = { outputSchema: schema };
    expect(await server.failure("createSession", { workspaceId, defaults })).toBe("InvalidParams");
  });
});
