// The SDK of the host process, if it has registered one with `@opentelemetry/api`. It is found where
// that package puts it, under a global symbol, so that the package itself is not needed here.
import { defined } from "../base/defined.js";
import {
  type Attributes,
  type AttributeValue,
  type MetricName,
  metrics,
  schemaUrl,
} from "./conventions.js";
import type { Meter } from "./ownMeter.js";
import type { LiveSpan, SpanMaker, SpanStart } from "./span.js";
import type { SpanContext } from "./traceContext.js";

/** What the package registers; only what is used here. */
export interface HostApi {
  readonly trace?: {
    getTracer(name: string, version: string, options: { schemaUrl: string }): HostTracer;
  };
  readonly metrics?: {
    getMeter(name: string, version: string, options: { schemaUrl: string }): HostMeter;
  };
  readonly context?: {
    active(): HostContext;
    with<T>(context: HostContext, work: () => T): T;
  };
}

interface HostContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): HostContext;
  deleteValue(key: symbol): HostContext;
}

interface HostSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly traceState?: { serialize(): string } | undefined;
}

type HostAttributes = Record<string, AttributeValue>;

interface HostSpan {
  spanContext(): HostSpanContext;
  setAttributes(attributes: HostAttributes): unknown;
  updateName(name: string): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

interface HostTracer {
  startSpan(name: string, options: object, context: HostContext): HostSpan;
}

interface HostMeter {
  createHistogram(
    name: string,
    options: object,
  ): { record(value: number, attributes: HostAttributes): void };
  createObservableGauge(
    name: string,
    options: object,
  ): { addCallback(callback: (result: { observe(value: number): void }) => void): void };
}

const registry = Symbol.for("opentelemetry.js.api.1");
const spanKey = Symbol.for("OpenTelemetry Context Key SPAN");
const errorStatus = 2;
/** The api counts its kinds from 0, OTLP from 1. */
const kinds = { internal: 0, client: 2, producer: 3 } as const;

/** What an SDK's providers have beside; a provider of another kind may have nothing of it. */
interface HostProvider {
  forceFlush?(): Promise<void>;
  /** The one behind it: the api registers a provider that stands for the SDK's. */
  getDelegate?(): HostProvider;
}

/** Has the host's SDK send what it keeps. The process ends, and nobody else may have thought of it. */
export async function flushHost({ trace, metrics }: HostApi): Promise<void> {
  const providers = [trace, metrics] as readonly (HostProvider | undefined)[];
  await Promise.all(
    providers.map((given) => {
      const provider = given?.getDelegate?.() ?? given;
      return provider?.forceFlush?.();
    }),
  );
}

/** The API of this process, if an SDK is registered with it. */
export function hostApi(): HostApi | undefined {
  const found: HostApi | undefined = (globalThis as Record<symbol, HostApi | undefined>)[registry];
  return found?.trace === undefined && found?.metrics === undefined ? undefined : found;
}

/** Makes spans of the host's SDK. */
export class HostSpans implements SpanMaker {
  readonly #api: HostApi;
  readonly #tracer: HostTracer;

  constructor(api: HostApi & Required<Pick<HostApi, "trace">>, version: string) {
    this.#api = api;
    this.#tracer = api.trace.getTracer("turnwire", version, { schemaUrl });
  }

  begin({ name, kind, attributes, parent, links = [], startedAt, context }: SpanStart): LiveSpan {
    // The host's SDK gives no span the identity of an earlier one: it is linked to it instead.
    const linked = context === undefined ? links : [...links, context];
    const options = {
      kind: kinds[kind],
      attributes: presentOf(attributes),
      links: linked.map((one) => ({ context: hostContextOf(one) })),
      root: parent === undefined,
      ...defined({ startTime: startedAt }),
    };
    const active = this.#api.context?.active() ?? new OwnContext();
    const around =
      parent === undefined
        ? active.deleteValue(spanKey)
        : active.setValue(spanKey, standIn(hostContextOf(parent)));
    const span = this.#tracer.startSpan(name, options, around);
    return new HostLiveSpan(span, around, this.#api);
  }
}

class HostLiveSpan implements LiveSpan {
  readonly context: SpanContext;
  readonly #span: HostSpan;
  readonly #around: HostContext;
  readonly #api: HostApi;

  constructor(span: HostSpan, around: HostContext, api: HostApi) {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const state = traceState?.serialize() || undefined;
    this.context = { traceId, spanId, isSampled: (traceFlags & 1) === 1, ...defined({ state }) };
    this.#span = span;
    this.#around = around;
    this.#api = api;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(presentOf(attributes));
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  fail(type: string, message?: string): void {
    this.set({ "error.type": type });
    this.#span.setStatus({ code: errorStatus, ...defined({ message }) });
  }

  end(): void {
    this.#span.end();
  }

  within<T>(work: () => T): T {
    const { context } = this.#api;
    return context === undefined
      ? work()
      : context.with(this.#around.setValue(spanKey, this.#span), work);
  }
}

/** Counts with the host's SDK. */
export class HostMeterOf implements Meter {
  readonly #meter: HostMeter;
  readonly #histograms = new Map<string, ReturnType<HostMeter["createHistogram"]>>();

  constructor(api: Required<Pick<HostApi, "metrics">>, version: string) {
    this.#meter = api.metrics.getMeter("turnwire", version, { schemaUrl });
  }

  record(name: MetricName, value: number, attributes: Attributes): void {
    const kind = metrics[name];
    if (kind.kind !== "histogram") return;
    const { unit, description, bounds } = kind;
    const advice = { explicitBucketBoundaries: [...bounds] };
    const histogram =
      this.#histograms.get(name) ??
      this.#meter.createHistogram(name, { unit, description, advice });
    this.#histograms.set(name, histogram);
    histogram.record(value, presentOf(attributes));
  }

  watch(name: MetricName, read: () => number | undefined): void {
    const { unit, description } = metrics[name];
    const gauge = this.#meter.createObservableGauge(name, { unit, description });
    gauge.addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value);
    });
  }
}

function presentOf(attributes: Attributes): HostAttributes {
  const present: HostAttributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) present[name] = value;
  }
  return present;
}

function hostContextOf({ traceId, spanId, isSampled, state }: SpanContext): HostSpanContext {
  const traceState = state === undefined ? undefined : stateOf(state);
  return { traceId, spanId, traceFlags: isSampled ? 1 : 0, ...defined({ traceState }) };
}

/** A `tracestate` as the api has it: it is only handed on. */
function stateOf(text: string) {
  const members = () => text.split(",").map((member) => member.split("=", 2) as [string, string]);
  const state = {
    get: (key: string) => members().find(([name]) => name === key)?.[1],
    set: () => state,
    unset: () => state,
    serialize: () => text,
  };
  return state;
}

/** A span that stands for one of which only the identity is known. */
function standIn(context: HostSpanContext) {
  const span = {
    spanContext: () => context,
    setAttribute: () => span,
    setAttributes: () => span,
    addEvent: () => span,
    addLink: () => span,
    addLinks: () => span,
    setStatus: () => span,
    updateName: () => span,
    end() {},
    isRecording: () => false,
    recordException() {},
  };
  return span;
}

/** The context of a host that manages none. */
class OwnContext implements HostContext {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown> = new Map()) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): HostContext {
    return new OwnContext(new Map([...this.#values, [key, value]]));
  }

  deleteValue(key: symbol): HostContext {
    return new OwnContext(new Map([...this.#values].filter(([kept]) => kept !== key)));
  }
}
