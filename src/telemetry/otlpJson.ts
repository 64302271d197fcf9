// Spans and metrics as OTLP writes them in JSON: ids in hexadecimal digits, 64-bit numbers as texts,
// enumerations as numbers, names in camel case.
import { toUSVString } from "node:util";
import { defined } from "../base/defined.js";
import {
  type Attributes,
  type AttributeType,
  type AttributeValue,
  conventionsVersion,
  metrics as metricKinds,
  schemaUrl,
  typeOf,
} from "./conventions.js";
import type { Measured } from "./ownMeter.js";
import type { EndedSpan } from "./ownSpans.js";
import { spanKinds } from "./span.js";

/** Attributes of the resource: names and texts or whole numbers. */
export type ResourceAttributes = Readonly<Record<string, string | number>>;

/** What is told of where the telemetry comes from. */
export interface Origin {
  readonly resource: ResourceAttributes;
  /** This program's version. */
  readonly version: string;
}

const sampledFlag = 1;
const errorStatus = 2;
const cumulative = 2;

/** The body of a request that exports spans. */
export function spansBody(spans: readonly EndedSpan[], origin: Origin): string {
  const scopeSpans = [{ scope: scopeOf(origin), schemaUrl, spans: spans.map(spanOf) }];
  return JSON.stringify({ resourceSpans: [{ resource: resourceOf(origin), scopeSpans }] });
}

/** The body of a request that exports metrics. */
export function metricsBody(measured: readonly Measured[], origin: Origin): string {
  const scopeMetrics = [{ scope: scopeOf(origin), schemaUrl, metrics: measured.map(metricOf) }];
  return JSON.stringify({ resourceMetrics: [{ resource: resourceOf(origin), scopeMetrics }] });
}

function scopeOf({ version }: Origin) {
  const attributes = [
    { key: "turnwire.conventions.version", value: { stringValue: conventionsVersion } },
  ];
  return { name: "turnwire", version, attributes };
}

function resourceOf({ resource }: Origin) {
  const attributes = Object.entries(resource).map(([key, value]) => ({
    key,
    value: valueIn(value, typeof value === "number" ? "int" : "string"),
  }));
  return { attributes };
}

function spanOf(span: EndedSpan) {
  const { context, parentSpanId, links, failure } = span;
  const { traceId, spanId, state } = context;
  return {
    traceId,
    spanId,
    ...defined({ traceState: state, parentSpanId }),
    flags: sampledFlag,
    name: toUSVString(span.name),
    kind: spanKinds[span.kind],
    startTimeUnixNano: nanos(span.startedAt),
    endTimeUnixNano: nanos(span.endedAt),
    attributes: attributesOf(span.attributes),
    links: links.map((link) => ({
      traceId: link.traceId,
      spanId: link.spanId,
      ...defined({ traceState: link.state }),
      flags: link.isSampled ? sampledFlag : 0,
    })),
    status: failure === undefined ? {} : { code: errorStatus, ...told(failure) },
  };
}

function told({ message }: { readonly message?: string }) {
  return defined({ message: message && toUSVString(message) });
}

function metricOf({ name, points }: Measured) {
  const { unit, description, kind } = metricKinds[name];
  const head = { name, unit, description };
  const data = points.map((point) => {
    const attributes = attributesOf(point.attributes);
    const times = { startTimeUnixNano: nanos(point.since), timeUnixNano: nanos(point.at) };
    if (point.kind === "gauge") return { attributes, ...times, asInt: String(point.value) };
    const { count, sum, min, max, counts, bounds } = point;
    const buckets = { bucketCounts: counts.map(String), explicitBounds: bounds };
    return { attributes, ...times, count: String(count), sum, min, max, ...buckets };
  });
  if (kind === "gauge") return { ...head, gauge: { dataPoints: data } };
  return { ...head, histogram: { aggregationTemporality: cumulative, dataPoints: data } };
}

/** Attributes in OTLP's form. */
function attributesOf(attributes: Attributes) {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueIn(value, typeOf(key)) }],
  );
}

function valueIn(value: AttributeValue, type: AttributeType): object {
  switch (type) {
    case "int":
      return { intValue: String(value) };
    case "double":
      return { doubleValue: value };
    case "boolean":
      return { boolValue: value };
    case "string[]": {
      const texts = Array.isArray(value) ? value : [value];
      return {
        arrayValue: { values: texts.map((text) => ({ stringValue: toUSVString(String(text)) })) },
      };
    }
    default:
      // Half a character has no place in UTF-8: a collector may refuse the whole batch.
      return { stringValue: toUSVString(String(value)) };
  }
}

/** Milliseconds as nanoseconds, in a text: they do not fit into a double. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}
