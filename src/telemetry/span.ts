// What a span is, whoever makes it: this room itself, or the SDK of the host process.
import type { Attributes } from "./conventions.js";
import type { SpanContext } from "./traceContext.js";

/** The kinds of spans that there are here, with OTLP's numbers. */
export const spanKinds = { internal: 1, client: 3, producer: 4 } as const;

/** What a span begins with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: keyof typeof spanKinds;
  readonly attributes: Attributes;
  /** The span that it is a part of; without one it begins a trace. */
  readonly parent?: SpanContext | undefined;
  /** The spans that it belongs to without being a part of them. */
  readonly links?: readonly SpanContext[];
  /** When it began, in milliseconds since the epoch; now unless told. */
  readonly startedAt?: number;
  /** The identity that it was given earlier, where it was begun by a server that died. */
  readonly context?: SpanContext;
}

/** A span that has begun. */
export interface LiveSpan {
  readonly context: SpanContext;
  set(attributes: Attributes): void;
  /** Its name is known better by now. */
  rename(name: string): void;
  /** It did not succeed. `type` becomes `error.type`; `message` is for a person. */
  fail(type: string, message?: string): void;
  end(): void;
  /** Carries work out with this as its present span, as other instrumentations see it. */
  within<T>(work: () => T): T;
}

/** Makes spans. */
export interface SpanMaker {
  begin(start: SpanStart): LiveSpan;
}
