// The form that OTLP has in JSON, to the letter.
import { expect, it } from "vitest";
import { metricsBody, spansBody } from "../../src/telemetry/otlpJson.js";
import { OwnMeter } from "../../src/telemetry/ownMeter.js";
import type { EndedSpan } from "../../src/telemetry/ownSpans.js";

const origin = { resource: { "service.name": "turnwire", "process.pid": 7 }, version: "1.2.3" };
const traceId = "0af7651916cd43dd8448eb211c80319c";
const context = { traceId, spanId: "b7ad6b7169203331", isSampled: true, state: "a=1" };

function only(span: Partial<EndedSpan>): Record<string, unknown> {
  const whole = {
    name: "chat m",
    kind: "client",
    links: [],
    context,
    attributes: {},
    startedAt: 1_767_225_600_000.25,
    endedAt: 1_767_225_600_001.5,
    ...span,
  } as EndedSpan;
  const body = JSON.parse(spansBody([whole], origin)) as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  return body.resourceSpans[0]?.scopeSpans[0]?.spans[0] ?? {};
}

it("has ids in hexadecimal digits, times as texts of nanoseconds, and kinds as numbers", () => {
  expect(
    only({ parentSpanId: "00f067aa0ba902b7", links: [{ ...context, isSampled: false }] }),
  ).toEqual({
    traceId,
    spanId: "b7ad6b7169203331",
    traceState: "a=1",
    parentSpanId: "00f067aa0ba902b7",
    flags: 1,
    name: "chat m",
    kind: 3,
    startTimeUnixNano: "1767225600000250000",
    endTimeUnixNano: "1767225600001500000",
    attributes: [],
    links: [{ traceId, spanId: "b7ad6b7169203331", traceState: "a=1", flags: 0 }],
    status: {},
  });
});

it("has each value under the name of its type", () => {
  const { attributes, status } = only({
    attributes: {
      "gen_ai.usage.input_tokens": 5,
      "gen_ai.request.temperature": 1,
      "gen_ai.request.stream": true,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.request.model": "m",
      "gen_ai.response.id": undefined,
    },
    failure: { message: "no" },
  });
  expect(attributes).toEqual([
    { key: "gen_ai.usage.input_tokens", value: { intValue: "5" } },
    { key: "gen_ai.request.temperature", value: { doubleValue: 1 } },
    { key: "gen_ai.request.stream", value: { boolValue: true } },
    {
      key: "gen_ai.response.finish_reasons",
      value: { arrayValue: { values: [{ stringValue: "stop" }] } },
    },
    { key: "gen_ai.request.model", value: { stringValue: "m" } },
  ]);
  expect(status).toEqual({ code: 2, message: "no" });
});

it("has no half characters", () => {
  const half = "a\ud83d";
  const span = only({
    name: half,
    attributes: { "gen_ai.tool.call.result": half, "gen_ai.response.finish_reasons": [half] },
    failure: { message: half },
  });
  expect(JSON.stringify(span)).not.toContain("ud83d");
  expect(JSON.stringify(span).match(/a\ufffd/g)).toHaveLength(4);
});

it("has counts as texts, and bounds as numbers", () => {
  const meter = new OwnMeter(() => 2);
  meter.record("gen_ai.client.token.usage", 3, { "gen_ai.token.type": "input" });
  meter.watch("turnwire.runs.open", () => 4);
  const body = JSON.parse(metricsBody(meter.collect(), origin)) as {
    resourceMetrics: {
      resource: unknown;
      scopeMetrics: { metrics: Record<string, { dataPoints: Record<string, unknown>[] }>[] }[];
    }[];
  };
  const [{ resource, scopeMetrics } = { resource: {}, scopeMetrics: [] }] = body.resourceMetrics;
  expect(resource).toEqual({
    attributes: [
      { key: "service.name", value: { stringValue: "turnwire" } },
      { key: "process.pid", value: { intValue: "7" } },
    ],
  });
  const [histogram, gauge] = scopeMetrics[0]?.metrics ?? [];
  expect(histogram).toMatchObject({ unit: "{token}", histogram: { aggregationTemporality: 2 } });
  const [point] = histogram?.histogram?.dataPoints ?? [];
  expect(point).toMatchObject({ count: "1", sum: 3, min: 3, max: 3, timeUnixNano: "2000000" });
  const { bucketCounts, explicitBounds } = point as Record<string, unknown[]>;
  expect(bucketCounts).toHaveLength((explicitBounds?.length ?? 0) + 1);
  expect(bucketCounts?.slice(0, 4)).toEqual(["0", "1", "0", "0"]);
  expect(gauge?.gauge?.dataPoints).toEqual([
    { attributes: [], startTimeUnixNano: "2000000", timeUnixNano: "2000000", asInt: "4" },
  ]);
});
