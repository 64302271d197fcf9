// W3C Trace Context: what another program says about where our work belongs. It is a stranger's text,
// so whatever is not exactly right counts as absent, as the specification asks.
import { defined } from "../base/defined.js";
import type { TraceParent } from "../base/telemetry.js";
import { readTraceParent } from "../base/traceParent.js";

/** The identity of a span. */
export interface SpanContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** The `tracestate` of the trace, handed on as it is. */
  readonly state?: string;
}

const longestState = 512;
const mostMembers = 32;

/** Reads where a caller stands; undefined where that is missing or invalid. */
export function readParent(given: TraceParent | undefined): SpanContext | undefined {
  if (given === undefined) return undefined;
  const read = readTraceParent(given.traceparent);
  if (read === undefined) return undefined;
  const { traceId, spanId, flags } = read;
  const isSampled = (flags & 1) === 1;
  const state = readState(given.tracestate);
  return { traceId, spanId, isSampled, ...defined({ state }) };
}

/** A `tracestate` that may be handed on; undefined where it is missing or invalid. */
function readState(text: string | undefined): string | undefined {
  if (text === undefined || text.length > longestState) return undefined;
  const members = text
    .split(",")
    .map((member) => member.trim())
    .filter((member) => member !== "");
  if (members.length === 0 || members.length > mostMembers) return undefined;
  const keys = members.map((member) => member.slice(0, member.indexOf("=")));
  const isValid =
    new Set(keys).size === keys.length &&
    members.every((member) =>
      /^[a-z0-9][a-z0-9_\-*/@]*=[\x20-\x2b\x2d-\x3c\x3e-\x7e]+$/.test(member),
    );
  return isValid ? members.join(",") : undefined;
}

/** A span's identity, as it is told to other programs. */
export function toParent({ traceId, spanId, isSampled, state }: SpanContext): TraceParent {
  const traceparent = `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
  return state === undefined ? { traceparent } : { traceparent, tracestate: state };
}
