// What is kept with a run's row, so that a delivery after a restart finds its span, a waiting run its
// parent, and a run whose server died an end.
import type { SpanContext } from "./traceContext.js";

/** Where a run stands. */
export interface KeptTrace {
  /** The caller's span. */
  readonly parent?: SpanContext;
  /** Its own span, once it has begun. */
  readonly span?: SpanContext;
  /** When that began, in milliseconds since the epoch. */
  readonly startedAt?: number;
  /** Whether it has ended: the run was put aside for another server. */
  readonly isEnded?: true;
  /** What the span says of the run. */
  readonly about?: {
    readonly kind: string;
    readonly sessionId: string;
    readonly workspaceId?: string;
    readonly runId?: string;
  };
}

/** What was kept; undefined if nothing was, or if it is damaged. */
export function readKept(text: string | undefined): KeptTrace | undefined {
  if (text === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(text);
    return typeof kept === "object" && kept !== null ? kept : undefined;
  } catch {
    // A damaged row: the run is told as one without a past.
    return undefined;
  }
}
