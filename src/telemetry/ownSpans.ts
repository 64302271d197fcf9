// Makes spans without an SDK, and hands those that are sampled on when they end.
import { defined } from "../base/defined.js";
import type { Attributes } from "./conventions.js";
import type { Sampler } from "./sampler.js";
import type { LiveSpan, SpanMaker, SpanStart } from "./span.js";
import type { SpanContext } from "./traceContext.js";

/** Where ids come from: so many random bytes, as hexadecimal digits. */
export type RandomHex = (bytes: number) => string;

/** A span that has ended. */
export interface EndedSpan extends Required<Pick<SpanStart, "name" | "kind" | "links">> {
  readonly context: SpanContext;
  readonly parentSpanId?: string;
  readonly attributes: Attributes;
  /** Milliseconds since the epoch, with a fraction. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Set if it did not succeed. */
  readonly failure?: { readonly message?: string };
}

/** What spans are made with. */
export interface OwnSpansOptions {
  readonly sampler: Sampler;
  readonly randomHex: RandomHex;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  onEnded(span: EndedSpan): void;
}

/** Makes spans that end in {@link OwnSpansOptions.onEnded}. */
export class OwnSpans implements SpanMaker {
  readonly #options: OwnSpansOptions;

  constructor(options: OwnSpansOptions) {
    this.#options = options;
  }

  begin(start: SpanStart): LiveSpan {
    return new OwnSpan(start.context ?? this.#contextOf(start), start, this.#options);
  }

  #contextOf({ parent, links }: SpanStart): SpanContext {
    const { sampler } = this.#options;
    const traceId = parent?.traceId ?? this.#id(16);
    // What is only linked is kept or left out together with what it is linked to.
    const isSampled = parent === undefined ? links?.[0]?.isSampled : undefined;
    return {
      traceId,
      spanId: this.#id(8),
      isSampled: isSampled ?? sampler.takes(traceId, parent?.isSampled),
      ...defined({ state: parent?.state }),
    };
  }

  /** An id; of nothing but zeros it would be none. */
  #id(bytes: number): string {
    for (;;) {
      const id = this.#options.randomHex(bytes);
      if (!/^0+$/.test(id)) return id;
    }
  }
}

class OwnSpan implements LiveSpan {
  readonly context: SpanContext;
  readonly #start: SpanStart;
  readonly #options: OwnSpansOptions;
  readonly #startedAt: number;
  #name: string;
  #attributes: Attributes;
  #failure: { readonly message?: string } | undefined;
  #hasEnded = false;

  constructor(context: SpanContext, start: SpanStart, options: OwnSpansOptions) {
    this.context = context;
    this.#start = start;
    this.#options = options;
    this.#startedAt = start.startedAt ?? options.now();
    this.#name = start.name;
    this.#attributes = start.attributes;
  }

  set(attributes: Attributes): void {
    if (this.context.isSampled) this.#attributes = { ...this.#attributes, ...attributes };
  }

  rename(name: string): void {
    this.#name = name;
  }

  fail(type: string, message?: string): void {
    this.set({ "error.type": type });
    this.#failure = defined({ message });
  }

  end(): void {
    if (this.#hasEnded || !this.context.isSampled) return;
    this.#hasEnded = true;
    const { kind, parent, links = [] } = this.#start;
    this.#options.onEnded({
      name: this.#name,
      kind,
      links,
      context: this.context,
      ...defined({ parentSpanId: parent?.spanId, failure: this.#failure }),
      attributes: this.#attributes,
      startedAt: this.#startedAt,
      endedAt: Math.max(this.#options.now(), this.#startedAt),
    });
  }

  within<T>(work: () => T): T {
    return work();
  }
}
