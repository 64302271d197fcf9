import { APICallError } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { durationOf } from "../../src/models/askedWait.js";
import { explainError } from "../../src/models/explainError.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";

const who = { providerId: "acme", modelId: "m-1" };
const now = Date.parse("2026-03-01T10:00:00Z");

function limited(body: unknown, headers: Record<string, string> = {}) {
  const request = { url: "u", requestBodyValues: {}, responseHeaders: headers };
  const responseBody = JSON.stringify(body);
  const error = new APICallError({ message: "", ...request, statusCode: 429, responseBody });
  return explainError(error, who, now);
}

const retryInfo = (retryDelay: string) => ({
  "@type": "type.googleapis.com/google.rpc.RetryInfo",
  retryDelay,
});
const quotaFailure = (quotaId: string) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations: [{ quotaMetric: "generate_requests", quotaId }],
});
const google = (...details: object[]) => ({
  error: {
    code: 429,
    status: "RESOURCE_EXHAUSTED",
    details,
    message: "You exceeded your current quota, please check your plan and billing details.",
  },
});

describe("the pause that a refusal asks for", () => {
  it.each<[string, number | undefined, unknown, Record<string, string>?]>([
    ["Google's RetryInfo", 34_400, google(quotaFailure("PerMinute"), retryInfo("34.4s"))],
    ["the same in an array", 34_400, [google(retryInfo("34.4s"))]],
    ["retry in N s", 20_000, { error: { message: "Slow down. Please retry in 20 s." } }],
    ["try again in 1m2.5s", 62_500, { error: { message: "Limit. Try again in 1m2.5s. Bye" } }],
    ["try again in ms", 345, { error: { message: "Please try again in 345ms." } }],
    ["words", 90_000, { error: { message: "wait 1 minute and 30 seconds before you retry" } }],
    ["retry after N seconds", 7000, { message: "Rate limited, retry after 7 seconds" }],
    ["wrapped words", 5000, { error: { metadata: { raw: "try again in 5s" } } }],
    ["a member", 1500, { error: { message: "slow", retry_after: 1.5 } }],
    ["a date", 30_000, {}, { "retry-after": "Sun, 01 Mar 2026 10:00:30 GMT" }],
    ["milliseconds", 250, {}, { "retry-after-ms": "250" }],
    ["seconds with a unit", 12_000, {}, { "retry-after": "12s" }],
    ["a reset as a duration", 6200, {}, { "x-ratelimit-reset-tokens": "6.2s" }],
    [
      "the reset of what is used up",
      60_000,
      {},
      {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-remaining-tokens": "400",
        "x-ratelimit-reset-tokens": "2h",
      },
    ],
    ["a reset as seconds", 40_000, {}, { "x-ratelimit-reset": `${now / 1000 + 40}` }],
    ["a reset as milliseconds", 40_000, {}, { "x-ratelimit-reset": `${now + 40_000}` }],
    [
      "a reset as a date",
      10_000,
      {},
      { "anthropic-ratelimit-requests-reset": "2026-03-01T10:00:10Z" },
    ],
    [
      "headers that were passed on",
      15_000,
      { error: { message: "no", metadata: { headers: { "X-RateLimit-Reset": now + 15_000 } } } },
    ],
    ["nothing", undefined, { error: { message: "Too many requests, 429 of 500 in 2026" } }],
  ])("is found in %s", (_, afterMs, body, headers) => {
    expect(limited(body, headers)).toMatchObject({ errorName: "RateLimited" });
    expect(limited(body, headers).retry).toEqual({
      attempts: 5,
      ...defined({ afterMs }),
    });
  });

  it.each<[string, unknown]>([
    ["of a day", google(quotaFailure("RequestsPerDayPerProject-FreeTier"), retryInfo("34s"))],
    ["that is to be paid", { error: { message: "quota", code: "insufficient_quota" } }],
    ["in words", { error: { message: "You exceeded your current quota, check your plan." } }],
    ["of a month", { error: { message: "Your monthly allowance is used up" } }],
    ["of a day in words", { message: "Limit of 200 requests per day. Try again in 9h12m3s." }],
    ["of credits", { error: { message: "Insufficient balance" } }],
  ])("is of no use for a quota %s", (_, body) => {
    const { errorName, retry, message } = limited(body);
    expect({ errorName, retry }).toEqual({ errorName: "RateLimited", retry: undefined });
    expect(message).toContain("no quota left");
  });

  it("is used where a limit of a day is free again soon", () => {
    const message = "Limit 100000 tokens per day (TPD), used 99990. Please try again in 12.5s.";
    expect(limited({ error: { message } }).retry).toEqual({ attempts: 5, afterMs: 12_500 });
  });

  it("is no number of another kind", () => {
    expect(durationOf("1h2m3s")).toBe(3_723_000);
    expect(durationOf("5 minutes")).toBe(300_000);
    expect([durationOf("5 parsecs"), durationOf("soon"), durationOf("")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("is looked for in a moment, whatever is said", async () => {
    for (const unit of ["retry ", "try again in ", "1m ", "wait 1", "1 and "]) {
      const look = () => limited({ error: { message: unit.repeat(100_000) } });
      expect(await cpuTimeOf(look)).toBeLessThan(onThisMachine(50));
    }
  });
});
