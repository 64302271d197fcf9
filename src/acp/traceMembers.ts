import { readTraceParent } from "../base/traceParent.js";

/** The members of `_meta` that say where something belongs in a trace; ACP reserves their names. */
export interface TraceMembers {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Reads them, from the first `_meta` that has a valid `traceparent`. */
export function traceMembers(
  ...metas: readonly ({ readonly [name: string]: unknown } | null | undefined)[]
): TraceMembers {
  for (const meta of metas) {
    const { traceparent, tracestate } = meta ?? {};
    if (typeof traceparent !== "string" || readTraceParent(traceparent) === undefined) continue;
    return typeof tracestate === "string" ? { traceparent, tracestate } : { traceparent };
  }
  return {};
}
