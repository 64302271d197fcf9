import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import {
  errorReply,
  type LoopbackProvider,
  reply,
  startLoopbackProvider,
} from "../helpers/loopbackProvider.js";

const key = "sk-secret-0123456789";
const info = {
  id: "loop-1",
  provider: "local",
  name: "Loop",
  canReason: true,
  supportsImages: true,
};
const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

let server: LoopbackProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await startLoopbackProvider();
  turn = new TestTurn();
});
afterEach(() => server.close());

function provider(change: Partial<Provider> = {}): Provider {
  return {
    id: "local",
    type: "openai-compatible",
    baseUrl: server.baseUrl,
    apiKey: key,
    apiKeyVariable: "LOCAL_API_KEY",
    headers: { "x-team": "blue" },
    models: [info],
    ...change,
  };
}

async function run(change: Parameters<TestTurn["run"]>[1] = {}, given = provider()) {
  return turn.runThroughPauses(await createLanguageModel(given, info), change, info);
}

describe("an openai-compatible provider", () => {
  it("is sent the key, the headers and the conversation, and asked for usage", async () => {
    server.enqueue(reply().text("Hel", "lo").usage(7, 3));
    expect(await run()).toMatchObject({ status: "succeeded", text: "Hello" });
    const [request] = server.requests;
    expect(request?.path).toBe("/v1/chat/completions");
    expect(request?.headers).toMatchObject({ authorization: `Bearer ${key}`, "x-team": "blue" });
    expect(request?.body).toMatchObject({
      model: "loop-1",
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: "system", content: "You are a test." },
        { role: "user", content: "hello" },
      ],
    });
    expect(turn.sink.usages).toEqual([{ promptTokens: 7, completionTokens: 3, cost: 0 }]);
  });

  it("is sent what was chosen along with the model", async () => {
    const model = await createLanguageModel(provider(), info);
    const input = turn.input(model, {}, info);
    const selected = {
      provider: "local",
      model: "loop-1",
      maxTokens: 99,
      temperature: 0.5,
      topP: 0.9,
      reasoningEffort: "high",
    };
    await turn.run(model, { model: { ...input.model, selected } });
    expect(server.requests[0]?.body).toMatchObject({
      max_tokens: 99,
      temperature: 0.5,
      top_p: 0.9,
      reasoning_effort: "high",
    });
    expect(JSON.stringify(server.requests[0]?.body)).not.toContain("turnwire");
  });

  it("takes the cost from the provider where it names one", async () => {
    server.enqueue(reply().text("a").usage(7, 3, { cost: 0.25 }));
    await run();
    expect(turn.sink.usages).toEqual([{ promptTokens: 7, completionTokens: 3, cost: 0.25 }]);
  });

  it("calls tools whose arguments come in fragments", async () => {
    server.enqueue(
      reply().text("Wait.").toolCall("echo", { text: "ä€😀" }, { fragment: 1 }),
      reply().text("done"),
    );
    expect(await run({ tools: [echo] })).toMatchObject({ status: "succeeded", text: "done" });
    expect(server.requests[1]?.body.messages.slice(2)).toMatchObject([
      { role: "assistant", content: "Wait.", tool_calls: [{ function: { name: "echo" } }] },
      { role: "tool", content: "echo ä€😀" },
    ]);
  });

  it.each([
    [undefined, [true, true]],
    ["all", [true, true]],
    ["turn", [true, false]],
    ["none", [false, false]],
  ] as const)(
    "with reasoningHistory %s it gives reasoning back in its turn and the next one: %j",
    async (reasoningHistory, given) => {
      const thinks = reply().reasoning("hm", "m").toolCall("echo", { text: "a" });
      server.enqueue(thinks, reply().text("done"), reply().text("again"));
      const switches = new Map(
        reasoningHistory === undefined ? [] : [["loop-1", { reasoningHistory }]],
      );
      await run({ tools: [echo] }, provider({ switches }));
      expect(turn.sink.messages[1]?.parts[0]).toEqual({ type: "reasoning", text: "hmm" });
      const history = turn.sink.messages.map(({ id, role, parts }) => ({ id, role, parts }));
      await run({ tools: [echo], history }, provider({ switches }));
      const sent = server.requests.slice(1).map(({ body }) => body.messages[2]);
      const thoughts = sent.map((message) => message?.reasoning_content);
      expect(thoughts).toEqual(given.map((is) => (is ? "hmm" : undefined)));
    },
  );

  it.each([1, 2, 3, 7, 64])("reads a stream that arrives in pieces of %i bytes", async (bytes) => {
    const said = "Grüße, 世界 😀!\r\n";
    server.enqueue(
      reply()
        .text(...said)
        .inPieces(bytes),
    );
    expect(await run()).toMatchObject({ status: "succeeded", text: said });
  });

  it("starts a reply afresh when the connection breaks in its middle", async () => {
    const heard = new Deferred<void>();
    turn.sink.onChange = (what) => {
      if (what.includes("append text")) heard.resolve();
    };
    server.enqueue(reply().text("lost").gate(heard.promise).cut(), reply().text("kept"));
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
    expect(turn.sink.roles).toEqual(["user", "assistant"]);
    expect(turn.sink.last.text).toBe("kept");
    expect(turn.sink.journal).toContain("m2 truncate");
  });

  it("takes a stream that ends without a finish for a broken one", async () => {
    const half = () => reply().text("lost").toolCall("echo", { text: "x" }).withoutFinish();
    server.byDefault(half);
    const outcome = await run({ tools: [echo] });
    expect(outcome).toMatchObject({ errorName: "ProviderUnreachable", cause: "provider" });
    expect(outcome.error).toContain("Tried 5 times");
    expect(server.requests).toHaveLength(5);
    expect(turn.sink.last.parts).toMatchObject([{ type: "toolResult", isError: true }]);
  });

  it("tries again after an error in the stream", async () => {
    server.enqueue(reply().text("lost").streamError("upstream is gone", 502), reply().text("kept"));
    expect(await run()).toMatchObject({ status: "succeeded", text: "kept" });
  });

  it("keeps only the text of the last try when it gives up", async () => {
    server.byDefault(() => reply().text("part").streamError("gone"));
    expect(await run()).toMatchObject({ status: "failed", text: "part" });
    expect(turn.sink.last.finished?.reason).toBe("error");
  });

  it("tries again after a rate limit, not before the provider allows it", async () => {
    server.enqueue(
      errorReply(429, "slow down", { headers: { "retry-after": "7" } }),
      reply().text("ok"),
    );
    const running = turn.run(await createLanguageModel(provider(), info), {}, info);
    await turn.clock.untilPending();
    await server.requests[0]?.closed;
    await untilWaiting(turn, 7000);
    turn.clock.advance(6999);
    expect(server.requests).toHaveLength(1);
    turn.clock.advance(1);
    expect(await running).toMatchObject({ status: "succeeded", text: "ok" });
  });

  it("fails at once when the provider asks for a pause that nobody would sit through", async () => {
    server.enqueue(errorReply(429, "come back", { headers: { "retry-after": "3600" } }));
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "RateLimited" });
    expect(outcome.error).toContain("3600 seconds");
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [429, "RateLimited"],
    [500, "ProviderOverloaded"],
    [503, "ProviderOverloaded"],
    [529, "ProviderOverloaded"],
  ])("gives up on %i after five tries, as %s", async (status, errorName) => {
    server.byDefault(() => errorReply(status, "busy"));
    const outcome = await run();
    expect(outcome).toMatchObject({ status: "failed", errorName, cause: "provider" });
    expect(outcome.error).toContain(`"local"`);
    expect(outcome.error).toContain(`${status} (busy)`);
    expect(server.requests).toHaveLength(5);
  });

  it("says which variable to check when the key is refused, and never says the key", async () => {
    server.enqueue(errorReply(401, `Incorrect API key provided: ${key}`));
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "ProviderAuth" });
    expect(outcome.error).toContain("LOCAL_API_KEY");
    expect(outcome.error).toContain("[redacted]");
    expect(JSON.stringify([outcome, turn.sink.messages])).not.toContain(key);
    expect(server.requests).toHaveLength(1);
  });

  it("needs no key where the server needs none", async () => {
    const { apiKey: _, apiKeyVariable: __, ...open } = provider();
    expect(await run({}, open)).toMatchObject({ status: "succeeded" });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it("names the model and the address when the model is unknown", async () => {
    server.enqueue(errorReply(404, "model not found"));
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "ProviderError" });
    expect(outcome.error).toContain('"loop-1"');
    expect(outcome.error).toContain(server.baseUrl);
  });

  it("says which address it cannot reach", async () => {
    const { baseUrl } = server;
    const gone = provider({ baseUrl });
    await server.close();
    const outcome = await run({}, gone);
    server = await startLoopbackProvider();
    expect(outcome).toMatchObject({ errorName: "ProviderUnreachable" });
    expect(outcome.error).toContain(baseUrl);
    expect(outcome.error).toContain("ECONNREFUSED");
    expect(outcome.error).toContain("Tried 3 times");
  });

  it("shows no page of HTML to anyone", async () => {
    const body = "<html><body>Bad gateway</body></html>";
    server.byDefault(() => errorReply(502, "", { body, headers: { "content-type": "text/html" } }));
    expect((await run()).error).not.toContain("<");
  });

  it("recognises a conversation that is too long", async () => {
    const words = "This model's maximum context length is 4096 tokens.";
    server.enqueue(errorReply(400, words));
    expect(await run()).toMatchObject({ errorName: "ContextOverflow" });
  });

  it("fails when the model is silent for too long, and hangs up", async () => {
    server.enqueue(reply().text("so far").silence());
    const heard = new Deferred<void>();
    turn.sink.onChange = (what) => {
      if (what.includes("append text")) heard.resolve();
    };
    const running = turn.run(await createLanguageModel(provider(), info), {}, info);
    await heard.promise;
    turn.clock.advance(300_000);
    expect(await running).toMatchObject({ errorName: "ProviderTimeout", text: "so far" });
    await server.requests[0]?.closed;
  });

  it("hangs up when the turn is cancelled", async () => {
    server.enqueue(reply().text("so far").silence());
    turn.sink.onChange = (what) => {
      if (what.includes("append text")) turn.cancel.abort();
    };
    expect(await run()).toMatchObject({ status: "cancelled", text: "so far" });
    await server.requests[0]?.closed;
  });
});

async function untilWaiting({ clock }: TestTurn, ms: number): Promise<void> {
  // The silence watch of the try is over, and the pause has begun.
  while (clock.nextDue !== ms) await new Promise<void>((resolve) => setImmediate(resolve));
}
