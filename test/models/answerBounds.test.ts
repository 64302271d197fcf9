// What a provider sends is bounded: an event or a refusal without an end does not fill the memory.
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventBound } from "../../src/base/eventBound.js";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { type AnswerReading, providerFetch } from "../../src/models/providerFetch.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

const mebibyte = 1024 * 1024;
const bytes = (text: string) => Buffer.from(text);

// The models of this file have a limit of one mebibyte, and everything else is as it really is.
vi.mock("../../src/models/providerFetch.js", async (original) => {
  const real: { providerFetch: typeof providerFetch } = await original();
  const withSmallLimit: typeof providerFetch = (provider, reading) =>
    real.providerFetch(provider, { mostEventBytes: 1024 * 1024, ...reading });
  return { ...real, providerFetch: withSmallLimit };
});

describe("the bound of one event", () => {
  const taking = (most: number, ...chunks: string[]) => {
    const bound = new EventBound({ bytes: most, values: 5 }, (why) => new Error(why));
    return () => {
      for (const chunk of chunks) bound.take(bytes(chunk));
    };
  };

  it.each([
    ["one line in one chunk", ["data: 567890"]],
    ["one line in many chunks", ["data: ", "5678", "90"]],
    ["many lines without an empty one", ["data: 1\n", "data: 2\n"]],
    ["lines that end with CR LF", ["data: 1\r\n", "data: 2\r\n"]],
    ["an event behind others", ["a\n\nb\r\n\r\n", "data: 567890"]],
    ["the rest of a chunk", ["a\n\ndata: 567890"]],
    ["a carriage return alone", ["data:\r\r78901"]],
  ])("refuses %s", (_, chunks) => {
    expect(taking(10, ...chunks)).toThrow("one event of the stream is longer than");
  });

  it.each([
    ["an event that is as long as the limit", ["1234567\n\n", "1234567890"]],
    ["an empty line that is cut", ["data: 123\n", "\ndata: 123", "\n", "\n1234567890"]],
    ["an empty line of CR LF, cut anywhere", ["123456\r\n", "\r\n12345678\r", "\n\r", "\n1234567"]],
    ["single bytes", [..."data: 12\n\n", ..."data: 12\r\n\r\n", ..."1234567890"]],
    ["empty chunks", ["1234567\n", "", "\n", "1234567890"]],
  ])("takes %s", (_, chunks) => {
    expect(taking(12, ...chunks)).not.toThrow();
  });
});

describe("the bound of the values of one event", () => {
  const filling = `data: ["${'[{,\\"'.repeat(40_000)}"`;
  const taking = (...texts: string[]) => {
    const bound = new EventBound({ bytes: mebibyte, values: 5 }, (why) => new Error(why));
    return () => {
      for (const text of texts) {
        const all = bytes(text);
        for (let at = 0; at < all.length; at += 10_001) bound.take(all.subarray(at, at + 10_001));
      }
    };
  };

  it.each([
    ["values", ",1,2,3,4,5"],
    ["objects", ",{},{},{}"],
    ["lines", "\n \r\n \n \n \n \n"],
  ])("refuses a long event of too many %s", (_, end) => {
    expect(taking(filling, end)).toThrow("one event of the stream has more than 5 values");
  });

  it.each([
    ["a long text, whatever is in it", [filling, ",1,2]\n\n"]],
    ["a short event", [`data: [${"1,".repeat(1_000)}1]\n\n`]],
    ["many long events", [`${filling}]\n\n`, `${filling}]\n\n`, `${filling}]\r\n\r\n`, filling]],
  ])("takes %s", (_, texts) => {
    expect(taking(...texts)).not.toThrow();
  });
});

describe("an answer without an end", () => {
  const endless = async (start: string, piece: string, status = 200) => {
    const server = createServer(async (_request, response) => {
      response.writeHead(status, { "content-type": "text/event-stream" });
      response.write(start);
      const repeated = piece.repeat(Math.ceil((64 * 1024) / piece.length));
      while (!response.destroyed) {
        await new Promise<void>((done) => response.write(repeated, () => done()));
      }
    });
    const left = new Promise<void>((done) => {
      server.once("connection", (socket) => socket.once("close", () => done()));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    const close = async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    };
    return { url: `http://127.0.0.1:${address.port}/`, left, close };
  };
  const sameEvents = () => ({ data: (data: string) => data });
  const longLine = `data: ${"x".repeat(1_000)}\n`;
  const reading: AnswerReading = { mostEventBytes: 2 * mebibyte };

  it.each([
    ["a line", "data: ", "x", reading],
    ["a line, where rules read it", "data: ", "x", { ...reading, rules: sameEvents }],
    ["an event of many lines", "", longLine, reading],
    [
      "an event of many lines, where rules read it",
      "",
      longLine,
      { ...reading, rules: sameEvents },
    ],
  ])("is an error that says so, and its connection ends: %s", async (_, start, piece, how) => {
    const server = await endless(start, piece);
    const response = await providerFetch({}, how)(server.url);
    await expect(response.text()).rejects.toThrow("one event of the stream is longer than 2 MiB");
    await server.left;
    await server.close();
  });

  it("is read for its first 256 KiB where it is a refusal, and its connection ends", async () => {
    const server = await endless('{"error":"', "x", 400);
    const response = await providerFetch({})(server.url);
    expect(response.status).toBe(400);
    expect(await response.text()).toHaveLength(mebibyte / 4);
    await server.left;
    await server.close();
  });
});

describe("a provider of each type", () => {
  const info = { id: "model-1", provider: "acme", name: "M", canReason: false };
  const model = { ...info, supportsImages: false };
  let server: RawProvider;
  beforeEach(async () => {
    server = await RawProvider.start();
  });
  afterEach(() => server.close());

  const types = wireFormats.filter(({ type }) => type !== "bedrock");
  const run = async ({ type, path, account }: (typeof wireFormats)[number]) => {
    const common = { id: "acme", headers: {}, models: [model], apiKey: "key-0123456789" };
    const provider: Provider = { ...common, type, baseUrl: `${server.origin}${path}`, ...account };
    return new TestTurn().runThroughPauses(await createLanguageModel(provider, model), {}, model);
  };

  it.each(types)("that sends a line without an end fails the run: $type $path", async (format) => {
    server.usual = { body: `data: ${"x".repeat(2 * mebibyte)}`, pieceBytes: 64 * 1024 };
    const outcome = await run(format);
    expect(outcome).toMatchObject({ status: "failed", errorName: "ProviderError" });
    expect(outcome.error).toContain("one event of the stream is longer than 1 MiB");
  });

  it.each(wireFormats)("is not bounded as a whole: $type $path", async (format) => {
    const texts = Array.from({ length: 40 }, () => "y".repeat(40 * 1024));
    server.usual = answerOf(format, { text: texts });
    expect(await run(format)).toMatchObject({ status: "succeeded", text: texts.join("") });
  });
});
