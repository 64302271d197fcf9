// What hostSdk.mjs has written down, in the form in which a collector would have got it.
import { typeOf } from "../../src/telemetry/conventions.js";
import type { CollectedPoint, CollectedSpan } from "./collector.js";

type Attributes = Readonly<Record<string, unknown>>;

/** A line: a span, or a metric with its series. */
export interface Told {
  readonly name?: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly points?: readonly { readonly attributes: Attributes; readonly value: unknown }[];
  readonly kind?: number;
  readonly spanId: string;
  readonly attributes: Attributes;
  readonly [other: string]: unknown;
}

/** The spans and series of some lines. */
export function collectedFrom(told: readonly Told[]): {
  spans: CollectedSpan[];
  points: CollectedPoint[];
} {
  const spans = told.flatMap((line) => {
    if (line.name === undefined) return [];
    // The api counts its kinds from 0, OTLP from 1.
    const kind = (line.kind ?? Number.NaN) + 1;
    return [{ ...line, kind, types: typesOf(line.attributes) } as unknown as CollectedSpan];
  });
  const points = told.flatMap(({ metric: name, unit = "", points: series = [] }) =>
    series.map(({ attributes, value }) => {
      const isNumber = typeof value === "number";
      const data = isNumber ? { value } : { count: (value as { count: number }).count };
      return { name: name ?? "", unit, attributes, types: typesOf(attributes), ...data };
    }),
  );
  return { spans, points };
}

/** An SDK sees a number's type only by its value: a whole one may stand for a double. */
function typesOf(attributes: Attributes): Record<string, string> {
  const types = Object.entries(attributes).map(([name, value]): [string, string] => {
    if (Array.isArray(value)) return [name, "arrayValue"];
    if (typeof value === "boolean") return [name, "boolValue"];
    if (typeof value !== "number") return [name, "stringValue"];
    const isDouble = typeOf(name) === "double" || !Number.isInteger(value);
    return [name, isDouble ? "doubleValue" : "intValue"];
  });
  return Object.fromEntries(types);
}
