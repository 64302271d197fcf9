// protocol.md section 4, Output: a value that fits a schema, with every type of provider.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawProvider } from "../helpers/rawProvider.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";
import { openSession } from "../helpers/wireSession.js";

const outputSchema = {
  type: "object",
  properties: { lines: { type: "integer", minimum: 1 }, name: { type: "string" } },
  required: ["lines"],
  additionalProperties: false,
};

let provider: RawProvider;
let server: ServerProcess;
beforeAll(async () => {
  provider = await RawProvider.start();
  const entries = wireFormats.map(({ type, path }) => {
    const baseUrl = `${provider.origin}${path}`;
    return [`my-${type}`, { type, baseUrl, apiKey: "key-1", models: [{ id: "model-1" }] }];
  });
  const file = join(makeFolder(), "config.json");
  writeFileSync(file, JSON.stringify({ providers: Object.fromEntries(entries) }));
  server = startServer({ env: { TURNWIRE_CONFIG: file } });
});
afterAll(async () => {
  await endServers();
  await provider.close();
});

describe.each(wireFormats)("with a provider of type $type", (format) => {
  const given = (value: unknown) => {
    const text = JSON.stringify(value);
    return answerOf(format, { call: [text.slice(0, 5), text.slice(5)], toolName: "finalOutput" });
  };

  async function run(runId: string, answers: readonly ReturnType<typeof given>[]) {
    const session = await openSession(server, { title: "titled" });
    const model = { provider: `my-${format.type}`, model: "model-1" };
    const before = provider.requests.length;
    provider.enqueue(...answers);
    await server.call("sendMessage", {
      ...session.params("How many?", `${format.type}-${runId}`),
      options: { model, outputSchema },
    });
    const completion = await server.completion(`${format.type}-${runId}`);
    return { completion, requests: provider.requests.slice(before) };
  }

  it("a value that fits is in the completion, also behind one that does not", async () => {
    const value = { lines: 42, name: "ä 😀" };
    const first = await run("first", [given(value)]);
    expect(first.completion).toMatchObject({ status: "succeeded", output: value });
    expect(first.requests).toHaveLength(1);
    expect(first.requests[0]?.body).toContain("finalOutput");
    const third = await run("third", [given({}), given({ lines: "many" }), given(value)]);
    expect(third.completion).toMatchObject({ status: "succeeded", output: value });
    expect(third.requests).toHaveLength(3);
    // What was wrong has gone back to the model.
    expect(third.requests[2]?.body).toContain("must be integer");
  });

  it("values that never fit are `OutputInvalid`, and so are words alone", async () => {
    const wrong = Array.from({ length: 3 }, (_, lines) => given({ lines: -lines }));
    const { completion, requests } = await run("wrong", wrong);
    expect(completion).toMatchObject({ status: "failed", errorName: "OutputInvalid" });
    expect(completion).not.toHaveProperty("output");
    expect(requests).toHaveLength(3);
    const words = Array.from({ length: 3 }, () => answerOf(format, { text: ["Seven."] }));
    expect((await run("words", words)).completion).toMatchObject({ errorName: "OutputInvalid" });
  });
});
