// What holds for every provider, in its own format: bytes that come in odd pieces, connections that
// break and errors at every point.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, type Spoken, wireFormats } from "../helpers/wireFormats.js";

const key = "key-0123456789";
const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));
const words = ["Grüße ", "aus 東京", " 🐢!"];
const said = words.join("");
const call = ['{"te', 'xt":"zażółć ', '🐢"}'];
const info = {
  id: "model-1",
  provider: "acme",
  name: "Model",
  canReason: false,
  supportsImages: true,
};

let server: RawProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await RawProvider.start();
  turn = new TestTurn();
});
afterEach(() => server.close());

describe.each(wireFormats)("a provider of type $type", (format) => {
  const answer = (spoken: Spoken) => answerOf(format, spoken);
  const done = () => answer({ text: ["Done."] });

  async function run(change: Parameters<TestTurn["runThroughPauses"]>[1] = {}) {
    const provider: Provider = {
      id: "acme",
      type: format.type,
      apiKey: key,
      apiKeyVariable: "ACME_KEY",
      headers: {},
      baseUrl: `${server.origin}${format.path}`,
      models: [info],
      ...format.account,
    };
    const model = await createLanguageModel(provider, info);
    return turn.runThroughPauses(model, { tools: [echo], ...change }, info);
  }

  /** What is stored of the first reply, without what only the provider understands. */
  const stored = () =>
    turn.sink.messages[1]?.parts.map((part) =>
      part.type === "toolCall"
        ? { type: part.type, name: part.name, input: part.input, state: part.state }
        : part.type === "text"
          ? { type: part.type, text: part.text }
          : { type: part.type },
    );
  const whole = [
    { type: "text", text: said },
    { type: "toolCall", name: "echo", input: { text: "zażółć 🐢" }, state: "completed" },
    { type: "finish" },
  ];

  it.each([1, 2, 3, 7, 64, 1000])("is understood in pieces of %i bytes", async (pieceBytes) => {
    server.enqueue(
      { ...answer({ text: words, call }), pieceBytes },
      { ...answer({ text: words }), pieceBytes },
    );
    expect(await run()).toMatchObject({ status: "succeeded", text: said });
    expect(stored()).toEqual(whole);
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body).toContain("echo zażółć 🐢");
  });

  const events = format.reply({ text: words, call });
  const byteLength = (text: string) => Buffer.byteLength(text, format.encoding);
  const ends = events.map((_, index) => byteLength(events.slice(0, index).join("")));
  const middles = events.map((event, index) => (ends[index] ?? 0) + Math.floor(event.length / 2));

  it.each([...new Set([...ends, ...middles])].sort((a, b) => a - b))(
    "that breaks off after %i bytes is called again, and nothing of that reply stays",
    async (cutAfterBytes) => {
      const entire = answer({ text: words, call });
      server.enqueue({ ...entire, cutAfterBytes }, entire, done());
      expect(await run()).toMatchObject({ status: "succeeded", text: "Done." });
      expect(server.requests).toHaveLength(3);
      expect(stored()).toEqual(whole);
      expect(turn.sink.roles).toEqual(["user", "assistant", "tool", "assistant"]);
    },
  );

  it("that keeps breaking off fails the turn, which says so", async () => {
    const said = answer({ text: words });
    server.usual = { ...said, cutAfterBytes: Math.floor(said.body.length / 2) };
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "ProviderUnreachable", cause: "provider" });
    expect(outcome.error).toMatch(/"acme".*Tried 5 times/);
    expect(turn.sink.last.finished?.reason).toBe("error");
  });

  it.each([401, 403])("that answers %i names the variable, and never the key", async (status) => {
    server.usual = { status, body: format.error(`bad key ${key}`) };
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "ProviderAuth", cause: "provider" });
    expect(outcome.error).toContain("ACME_KEY");
    expect(JSON.stringify([outcome, turn.sink.messages])).not.toContain(key);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [429, "RateLimited"],
    [500, "ProviderOverloaded"],
    [503, "ProviderOverloaded"],
    [529, "ProviderOverloaded"],
  ])(
    "that answers %i is called again, and after five tries it is %s",
    async (status, errorName) => {
      const trouble = { status, body: format.error("busy") };
      server.enqueue(trouble, trouble, done());
      expect(await run()).toMatchObject({ status: "succeeded", text: "Done." });
      expect(server.requests).toHaveLength(3);
      turn = new TestTurn();
      server.usual = trouble;
      expect(await run()).toMatchObject({ status: "failed", errorName });
      expect(server.requests).toHaveLength(8);
    },
  );

  it("is not called again before it allows it", async () => {
    const headers = { "retry-after": "20" };
    server.enqueue({ status: 429, body: format.error("slow down"), headers }, done());
    const begun = turn.clock.now();
    expect(await run()).toMatchObject({ status: "succeeded" });
    expect(turn.clock.now() - begun).toBeGreaterThanOrEqual(20_000);
  });

  it.each([
    ["an error of its own", format.error("model-1 has no wings")],
    ["a page of HTML", "<html><body><h1>Bad Request</h1></body></html>"],
    ["half an answer", format.error("x").slice(0, 12)],
    ["nothing", ""],
  ])("that refuses with %s fails the turn at once", async (_, body) => {
    server.usual = { status: 400, body };
    const outcome = await run();
    expect(outcome).toMatchObject({ errorName: "ProviderError", cause: "provider" });
    expect(outcome.error).toContain("400");
    expect(outcome.error).not.toContain("<html>");
    expect(server.requests).toHaveLength(1);
  });

  it("tells its own reasons to end from one another", async () => {
    server.enqueue(answer({ text: words, end: "length" }));
    expect(await run()).toMatchObject({ status: "succeeded", text: said });
    expect(turn.sink.last.finished?.reason).toBe("maxTokens");
    turn = new TestTurn();
    server.enqueue(answer({ text: words, end: "filter" }));
    expect(await run()).toMatchObject({ status: "failed", errorName: "ContentFilter" });
    expect(turn.sink.last.finished?.reason).toBe("contentFilter");
  });

  // Google sends the input as an object, which cannot be anything but JSON.
  if (format.type !== "google" && format.type !== "vertex") {
    it("is told when the input of a call is no JSON", async () => {
      server.enqueue(answer({ call: ['{"text": ', "oops"] }), done());
      expect(await run()).toMatchObject({ status: "succeeded", text: "Done." });
      expect(turn.sink.messages[2]?.parts[0]).toMatchObject({
        type: "toolResult",
        isError: true,
        output: expect.stringContaining("not valid JSON"),
      });
      expect(server.requests[1]?.body).toContain("not valid JSON");
    });
  }

  it("is sent an image as an image", async () => {
    const data = Buffer.from("not really a picture");
    const attachment = { name: "a.png", mimeType: "image/png", data };
    server.enqueue(done());
    await run({ prompt: { text: "What is this?", attachments: [attachment] } });
    expect(server.requests[0]?.body).toContain(data.toString("base64"));
    expect(server.requests[0]?.body).toMatch(/image\/png|"format":"png"/);
  });
});
