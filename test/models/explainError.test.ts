import { APICallError, InvalidResponseDataError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { redact, secretsOf } from "../../src/base/redact.js";
import { explainError } from "../../src/models/explainError.js";
import type { ModelIdentity } from "../../src/models/modelIdentity.js";

const who: ModelIdentity = {
  providerId: "acme",
  modelId: "m-1",
  baseUrl: "https://user:pass@api.acme.test/v1?key=1",
  apiKeyVariable: "ACME_KEY",
  hasKey: true,
  secrets: ["sk-0123456789"],
};

function http(statusCode: number, responseBody = "", headers: Record<string, string> = {}) {
  return new APICallError({
    message: "status text",
    url: "u",
    requestBodyValues: { prompt: "private" },
    statusCode,
    responseBody,
    responseHeaders: headers,
  });
}

function explain(error: unknown, change: Partial<ModelIdentity> = {}) {
  return explainError(error, { ...who, ...change }, 0);
}

describe("explaining a model's error", () => {
  it("names the provider, its status, its words and the fix", () => {
    expect(explain(http(401, '{"error":{"message":"bad key sk-0123456789."}}'))).toEqual({
      errorName: "ProviderAuth",
      cause: "provider",
      message:
        'The provider "acme" refused the request: it answered 401 (bad key [redacted]). Check the key in the environment variable ACME_KEY.',
    });
  });

  it("says that no key was sent where there is none", () => {
    expect(explain(http(403), { hasKey: false }).message).toContain("No key was sent: set");
    const { apiKeyVariable: _, ...unnamed } = who;
    expect(explainError(http(401), unnamed, 0).message).toContain("providers.acme.apiKey");
  });

  it.each([
    ['{"error":"just text"}', "just text"],
    ['{"detail":"in detail"}', "in detail"],
    ['{"message":"a message"}', "a message"],
    ["plain words", "plain words"],
    ["<html>page</html>", "status text"],
  ])("finds the words in %s", (body, words) => {
    expect(explain(http(400, body)).message).toBe(`The provider "acme" answered 400 (${words}).`);
  });

  it.each([
    ['[{"error":{"message":"in an array","code":400}}]', "in an array"],
    [
      '{"detail":[{"loc":["body","messages",0,"role"],"msg":"Input should be user"},{"msg":"no"}]}',
      "body.messages.0.role: Input should be user; no",
    ],
    ['{"errors":[{"message":"one"},"two"]}', "one; two"],
    [
      '{"error":{"message":"Provider returned error","metadata":{"raw":"{\\"message\\":\\"it has no tools\\"}"}}}',
      "Provider returned error: it has no tools",
    ],
    [
      '{"error":{"message":"Provider returned error","metadata":{"raw":"upstream is tired"}}}',
      "Provider returned error: upstream is tired",
    ],
    ['{"error":{"message":"{\\"error\\":{\\"message\\":\\"twice wrapped\\"}}"}}', "twice wrapped"],
  ])("unwraps %s", (body, words) => {
    expect(explain(http(422, body)).message).toBe(`The provider "acme" answered 422 (${words}).`);
  });

  it("takes a secret out wherever it is wrapped", () => {
    const raw = JSON.stringify({ error: { message: "the key sk-0123456789 is old" } });
    const body = JSON.stringify([{ error: { message: "no", metadata: { raw } } }]);
    expect(explain(http(400, body)).message).toContain("no: the key [redacted] is old");
    const list = JSON.stringify({ detail: [{ loc: ["sk-0123456789"], msg: "unknown" }] });
    expect(explain(http(422, list)).message).not.toContain("sk-0");
  });

  it("does not leave a person alone with what a program says of itself", () => {
    const { errorName, message, retry } = explain(
      new TypeError("Cannot read properties of undefined (reading 'id')"),
    );
    expect({ errorName, retry }).toEqual({ errorName: "ProviderError", retry: { attempts: 2 } });
    expect(message).toMatch(/could not be read as the answer of a model.*type fits/);
  });

  it("cuts words that go on and on, after taking the secrets out", () => {
    const body = `${"x".repeat(295)}sk-0123456789`;
    const { message } = explain(http(400, body));
    expect(message.length).toBeLessThan(400);
    expect(message).not.toContain("sk-0");
  });

  it("shows no password or parameter of the address", () => {
    const { message } = explain(http(404));
    expect(message).toContain("https://api.acme.test/v1");
    expect(message).not.toMatch(/pass|key=1/);
  });

  it.each([
    [400, '{"error":{"message":"too long","code":"context_length_exceeded"}}'],
    [400, '{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'],
    [400, '{"error":{"message":"The input token count (1) exceeds the maximum","code":400}}'],
    [500, '{"error":{"message":"the request exceeds the available context size"}}'],
    [413, ""],
  ])("recognises %i %s as a conversation that is too long", (status, body) => {
    expect(explain(http(status, body))).toMatchObject({ errorName: "ContextOverflow" });
    expect(explain(http(status, body)).retry).toBeUndefined();
  });

  it("does not take a rate limit in tokens for a conversation that is too long", () => {
    const body = '{"error":{"message":"Request too large: too many tokens per minute"}}';
    expect(explain(http(429, body)).errorName).toBe("RateLimited");
  });

  it("does not try again when the quota is used up", () => {
    const body = '{"error":{"message":"quota","code":"insufficient_quota"}}';
    const { errorName, retry, message } = explain(http(429, body));
    expect({ errorName, retry }).toEqual({ errorName: "RateLimited", retry: undefined });
    expect(message).toContain("billing");
  });

  it.each([
    [{ errors: { model: ["is invalid", "is too new"] } }, "model: is invalid; model: is too new"],
    [{ message: ["a is wrong", "b is wrong"] }, "a is wrong; b is wrong"],
    [
      { statusCode: 400, message: [{ path: "top_p", message: "is too high" }] },
      "top_p: is too high",
    ],
    [
      { __type: "ValidationException", Message: "The model is not there." },
      "The model is not there",
    ],
    [{ errors: { model: "no list", deep: { er: ["x"] } }, message: "outer" }, "outer"],
  ])("tells the words of %j", (body, words) => {
    expect(explain(http(400, JSON.stringify(body))).message).toContain(`(${words})`);
  });

  it("does not try again when what a day gives is used up", () => {
    const message = "Rate limit exceeded: free-models-per-day. Add 10 credits.";
    const explained = explain(http(429, JSON.stringify({ error: { message, code: 429 } })));
    expect(explained.retry).toBeUndefined();
    expect(explained.message).toContain("no quota left");
  });

  it.each([
    [{ "retry-after": "2" }, 2000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "30", "retry-after": "2" }, 30],
    [{ "Retry-After": "Thu, 01 Jan 1970 00:00:10 GMT" }, 10_000],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ])("reads the pause from %o", (headers, afterMs) => {
    expect(explain(http(503, "", headers)).retry?.afterMs).toBe(afterMs);
  });

  it.each([
    [{ type: "overloaded_error", message: "Overloaded" }, "ProviderOverloaded"],
    [{ message: "limit", code: "rate_limit_exceeded" }, "RateLimited"],
    [{ message: "gone", code: 502 }, "ProviderOverloaded"],
    [{ message: "who", type: "authentication_error" }, "ProviderAuth"],
    [{ message: "odd", type: "invalid_request_error" }, "ProviderError"],
    ["just a string", "ProviderError"],
  ])("understands the streamed error %o", (error, errorName) => {
    expect(explain(error).errorName).toBe(errorName);
  });

  it("tells a refused connection from one that broke", () => {
    const cause = (code: string) => Object.assign(new Error(""), { code });
    const failed = (code: string) => new TypeError("fetch failed", { cause: cause(code) });
    expect(explain(failed("ECONNREFUSED"))).toMatchObject({ retry: { attempts: 3 } });
    expect(explain(failed("ECONNREFUSED")).message).toContain("could not be reached");
    expect(explain(failed("ECONNRESET"))).toMatchObject({ retry: { attempts: 5 } });
    expect(explain(failed("DEPTH_ZERO_SELF_SIGNED_CERT")).retry).toBeUndefined();
    expect(explain(new AggregateError([cause("ENOTFOUND")]))).toMatchObject({
      errorName: "ProviderUnreachable",
    });
  });

  it("takes a body that broke off for a broken connection, whatever its status was", () => {
    const error = new APICallError({
      message: "Failed to process successful response",
      url: "u",
      requestBodyValues: {},
      statusCode: 200,
      cause: new TypeError("terminated", {
        cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
      }),
    });
    expect(explain(error)).toMatchObject({ errorName: "ProviderUnreachable" });
  });

  it("tries nonsense once more", () => {
    const error = new InvalidResponseDataError({ data: {}, message: "Expected 'id'." });
    expect(explain(error)).toMatchObject({ errorName: "ProviderError", retry: { attempts: 2 } });
  });
});

describe("secrets", () => {
  it("are the key and the headers that hold one", () => {
    const secrets = secretsOf("key-12345678", {
      "X-Api-Key": "Bearer abcdefgh",
      accept: "long-value",
    });
    expect(secrets).toEqual(["Bearer abcdefgh", "key-12345678", "abcdefgh"]);
    expect(redact("key-12345678 with abcdefgh", secrets)).toBe("[redacted] with [redacted]");
  });
});
