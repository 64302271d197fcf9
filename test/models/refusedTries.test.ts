// Calls that are refused for what they hold, and are made anew without it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/config/types.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const info = { id: "m-1", provider: "acme", name: "M", canReason: false, supportsImages: true };
const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4, 5, 6]);
const image = { name: "a.png", mimeType: "image/png", data: png };

let server: RawProvider;
let turn: TestTurn;
beforeEach(async () => {
  server = await RawProvider.start();
  turn = new TestTurn();
});
afterEach(() => server.close());

describe.each(wireFormats)("to a provider of type $type", (format) => {
  const done = () => answerOf(format, { text: ["Done."] });
  async function run(change: Parameters<TestTurn["runThroughPauses"]>[1]) {
    const provider: Provider = {
      id: "acme",
      type: format.type,
      headers: {},
      models: [info],
      baseUrl: `${server.origin}${format.path}`,
      apiKey: "key-0123456789",
      ...format.account,
    };
    const model = await createLanguageModel(provider, info);
    return turn.runThroughPauses(model, change, info);
  }

  it.each(["The image could not be processed", "image_url is not supported by this model"])(
    "an image that is refused leaves a note in its place: %s",
    async (words) => {
      server.enqueue({ status: 400, body: format.error(words) }, done());
      const prompt = { text: "Look.", attachments: [image] };
      expect(await run({ prompt })).toMatchObject({ status: "succeeded", text: "Done." });
      const [first, second] = server.requests;
      expect(first?.body).toContain(png.toString("base64"));
      expect(second?.body).not.toContain(png.toString("base64"));
      expect(second?.body).toContain("the provider refused it");
      expect(second?.body).toContain("Look.");
    },
  );

  it("a refusal of an image that was not sent fails the turn at once", async () => {
    server.usual = { status: 400, body: format.error("the image is too large") };
    expect(await run({})).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(server.requests).toHaveLength(1);
  });

  it("an image that is of another kind than its type says is told of, not sent", async () => {
    server.enqueue(done());
    const attachments = [{ ...image, data: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2]) }];
    await run({ prompt: { text: "Look.", attachments } });
    expect(server.requests[0]?.body).toContain("image/jpeg, not what its type says");
  });
});

describe("an overflow", () => {
  const format = wireFormats.find(({ type }) => type === "openai-compatible");
  const history: HistoryMessage[] = [
    { id: "m1", role: "user", parts: [{ type: "text", text: "Before." }] },
    { id: "m2", role: "assistant", parts: [{ type: "text", text: "Said before." }] },
  ];

  it("that is told after a first word, in a stream, leads to a summary too", async () => {
    if (format === undefined) throw new Error("no such format");
    const word = format.reply({ text: ["Half "] })[0] ?? "";
    const error = {
      error: { message: "prompt is too long: 9000 tokens > 8000 maximum", code: 400 },
    };
    server.enqueue({ body: `${word}data: ${JSON.stringify(error)}\n\n` });
    server.enqueue({ body: format.reply({ text: ["The summary."] }).join("") });
    server.enqueue({ body: format.reply({ text: ["Done."] }).join("") });
    const provider: Provider = {
      id: "acme",
      type: format.type,
      headers: {},
      models: [info],
      baseUrl: `${server.origin}${format.path}`,
    };
    const model = await createLanguageModel(provider, info);
    const outcome = await turn.runThroughPauses(model, { history, autoSummarize: true }, info);
    expect(outcome).toMatchObject({ status: "succeeded", text: "Done." });
    expect(server.requests[2]?.body).toContain("The summary.");
    const said = turn.sink.messages.flatMap(({ parts }) => parts);
    expect(said).not.toContainEqual(expect.objectContaining({ text: "Half " }));
  });
});
