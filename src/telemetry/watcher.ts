// Watches over the work of this process and makes spans and measurements of it. What is done inside
// of other work finds it through an `AsyncLocalStorage`, which is loaded only where telemetry is on.
import { AsyncLocalStorage } from "node:async_hooks";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { NamedParent, Telemetry, TracedWork, TraceParent } from "../base/telemetry.js";
import type { RunTraces } from "../storage/runTraces.js";
import { ChatWork, tokens } from "./chatWork.js";
import type { Attributes } from "./conventions.js";
import { type KeptTrace, readKept } from "./keptTrace.js";
import type { Meter } from "./ownMeter.js";
import type { LiveSpan, SpanMaker, SpanStart } from "./span.js";
import { readParent, toParent } from "./traceContext.js";
import {
  deliveryWork,
  interruptedAttributes,
  modelOf,
  type OpenWork,
  type RunFacts,
  runWork,
  toolWork,
} from "./workSpan.js";

/** What a watcher needs. */
export interface WatcherOptions {
  readonly spans: SpanMaker;
  readonly meter: Meter;
  readonly hasContents: boolean;
  readonly version: string;
  /** Milliseconds since the epoch, with a fraction. */
  now(): number;
  readonly log: Log;
}

/** Where the running code is. */
interface Place {
  readonly span: LiveSpan;
  /** The run that it belongs to. */
  readonly facts: RunFacts;
  /** What is to be kept with that run. */
  readonly kept?: KeptTrace;
}

/** Work with its span. */
interface Begun<K extends keyof TracedWork> {
  readonly place: Place;
  readonly open: OpenWork<K>;
  readonly startedAt: number;
}

/** The work of which nothing can be told. */
const nothingSeen = () => {};

/** The watcher of a process. */
export class Watcher implements Telemetry {
  readonly #options: WatcherOptions;
  readonly #here = new AsyncLocalStorage<Place>();
  #traces: RunTraces | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** From now on runs and what is kept of them are found there. */
  attach(traces: RunTraces): void {
    this.#traces = traces;
  }

  async traced<K extends keyof TracedWork, T>(
    kind: K,
    begun: TracedWork[K]["begun"],
    work: (seen: (part: TracedWork[K]["seen"]) => void) => Promise<T>,
    endedWith: (result: T) => TracedWork[K]["ended"],
  ): Promise<T> {
    const started = this.#quietly(() => this.#begin(kind, begun));
    if (started === undefined) return work(nothingSeen);
    const { place, open, startedAt } = started;
    const seen = open.seen?.bind(open) ?? nothingSeen;
    const watched = (part: TracedWork[K]["seen"]) => void this.#quietly(() => seen(part));
    try {
      const result = await this.#here.run(place, () => place.span.within(() => work(watched)));
      this.#quietly(() => {
        const ended = endedWith(result);
        open.ended(ended, place.span);
        if (kind === "run") this.#parked(begun, ended as TracedWork["run"]["ended"], place);
        this.#count(kind, begun, ended, started, this.#options.now() - startedAt);
      });
      return result;
    } catch (error) {
      this.#quietly(() => this.#broke(error, place));
      throw error;
    } finally {
      this.#quietly(() => place.span.end());
    }
  }

  here(): <T>(work: () => T) => T {
    const place = this.#here.getStore();
    return (work) => (place === undefined ? work() : this.#here.run(place, work));
  }

  carrier(): TraceParent | undefined {
    const place = this.#here.getStore();
    return place && toParent(place.span.context);
  }

  parentOf(...named: readonly NamedParent[]): TraceParent | undefined {
    for (const { traceparent, tracestate } of named) {
      if (traceparent === undefined) continue;
      const read = readParent({ traceparent, ...defined({ tracestate }) });
      if (read !== undefined) return toParent(read);
    }
    return undefined;
  }

  keep(position: number, parent?: TraceParent): void {
    const kept =
      parent === undefined
        ? this.#here.getStore()?.kept
        : { ...defined({ parent: readParent(parent) }) };
    if (kept !== undefined) this.#traces?.keep(position, JSON.stringify(kept));
  }

  interrupted(position: number): void {
    this.#quietly(() => {
      const kept = readKept(this.#traces?.of(position));
      if (kept !== undefined) this.#endEarlier(kept);
    });
  }

  #begin<K extends keyof TracedWork>(kind: K, begun: TracedWork[K]["begun"]): Begun<K> {
    const { spans, now } = this.#options;
    const around = this.#here.getStore();
    const startedAt = now();
    switch (kind) {
      case "run":
        return this.#beginRun(begun as TracedWork["run"]["begun"]) as unknown as Begun<K>;
      case "delivery": {
        const completion = begun as TracedWork["delivery"]["begun"];
        const kept = readKept(this.#traces?.ofCompletion(completion.completionId));
        const link = kept?.span ?? kept?.parent;
        const open = deliveryWork(completion);
        const span = spans.begin({ ...open.start, startedAt, links: link ? [link] : [] });
        return {
          place: { span, facts: {} },
          open: open as OpenWork<never> as OpenWork<K>,
          startedAt,
        };
      }
      default: {
        const open = this.#openInside(kind, begun);
        const span = spans.begin({ ...open.start, startedAt, parent: around?.span.context });
        return { place: { ...around, span, facts: around?.facts ?? {} }, open, startedAt };
      }
    }
  }

  #openInside<K extends keyof TracedWork>(kind: K, begun: TracedWork[K]["begun"]): OpenWork<K> {
    const { hasContents, now } = this.#options;
    if (kind === "tool") {
      const open = toolWork(begun as TracedWork["tool"]["begun"], hasContents);
      return open as OpenWork<never> as OpenWork<K>;
    }
    const chat = begun as TracedWork["chat"]["begun"];
    const facts = this.#here.getStore()?.facts;
    if (facts !== undefined && facts.model === undefined && chat.purpose !== "title") {
      Object.assign(facts, modelOf(chat));
    }
    return new ChatWork(chat, { hasContents, now, ...facts }) as OpenWork<never> as OpenWork<K>;
  }

  #beginRun(begun: TracedWork["run"]["begun"]): Begun<"run"> {
    const { spans, now, version, hasContents } = this.#options;
    const { position, kind, sessionId, workspaceId, runId } = begun;
    const facts: RunFacts = { sessionId };
    const open = runWork(begun, { version, hasContents, facts });
    const startedAt = now();
    const kept = position === undefined ? undefined : readKept(this.#traces?.of(position));
    if (kept !== undefined) this.#endEarlier(kept);
    const around = position === undefined ? this.#here.getStore()?.span.context : undefined;
    const span = spans.begin({
      ...open.start,
      startedAt,
      // A run that goes on after its server died stays in its trace.
      parent: kept?.parent ?? around ?? kept?.span,
      links: kept?.span === undefined ? [] : [kept.span],
    });
    const about = { kind, sessionId, ...defined({ workspaceId, runId }) };
    const own: KeptTrace = {
      ...defined({ parent: kept?.parent }),
      span: span.context,
      startedAt,
      about,
    };
    const place = { span, facts, ...defined({ kept: position === undefined ? undefined : own }) };
    return { place, open, startedAt };
  }

  /** Work has no result. What was put aside for another server has not failed. */
  #broke(error: unknown, { span }: Place): void {
    const name = error instanceof Error ? error.name : "_OTHER";
    if (name !== "TurnParked") span.fail(name);
  }

  /** A run that goes on in another server: its span here has ended, so that one need not end it. */
  #parked(begun: object, { status }: TracedWork["run"]["ended"], { kept }: Place): void {
    if (status !== "parked" || kept === undefined || !("position" in begun)) return;
    const ended: KeptTrace = { ...kept, isEnded: true };
    this.#traces?.keep(Number(begun.position), JSON.stringify(ended));
  }

  /** Tells the span of a run whose server died: nobody else can end it. */
  #endEarlier({ parent, span: context, startedAt, about, isEnded }: KeptTrace): void {
    if (context === undefined || about === undefined || isEnded === true) return;
    const start: SpanStart = {
      name: "invoke_agent",
      kind: "internal",
      attributes: interruptedAttributes(about),
      context,
      ...defined({ parent, startedAt }),
    };
    const span = this.#options.spans.begin(start);
    span.fail("Interrupted", "The server died while this run was open.");
    span.end();
  }

  #count<K extends keyof TracedWork>(
    kind: K,
    begun: TracedWork[K]["begun"],
    ended: TracedWork[K]["ended"],
    { open, place }: Begun<K>,
    ms: number,
  ): void {
    const { meter } = this.#options;
    const duration = (attributes: Attributes) =>
      meter.record("gen_ai.client.operation.duration", ms / 1000, attributes);
    const { facts } = place;
    const around = { "gen_ai.provider.name": facts.provider ?? "turnwire" };
    if (kind === "chat" && open instanceof ChatWork) {
      const chat = ended as TracedWork["chat"]["ended"];
      const counted = open.counted(chat);
      duration(counted);
      const { "error.type": _, ...used } = counted;
      const count = (type: string, value: number | undefined) => {
        const number = tokens(value);
        const attributes = { ...used, "gen_ai.token.type": type };
        if (number !== undefined) meter.record("gen_ai.client.token.usage", number, attributes);
      };
      count("input", chat.usage?.inputTokens.total);
      count("output", chat.usage?.outputTokens.total);
    } else if (kind === "tool") {
      const tool = begun as TracedWork["tool"]["begun"];
      const { state, name = tool.name } = ended as TracedWork["tool"]["ended"];
      const error = { failed: "tool_error", denied: "permission_denied" }[state as string];
      const named = { "gen_ai.tool.name": name, "error.type": error };
      duration({ "gen_ai.operation.name": "execute_tool", ...around, ...named });
    } else if (kind === "run") {
      const { errorName: error } = ended as TracedWork["run"]["ended"];
      const named = { "gen_ai.request.model": facts.model, "error.type": error };
      duration({ "gen_ai.operation.name": "invoke_agent", ...around, ...named });
    }
  }

  /** Telemetry that fails must not make work fail. */
  #quietly<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#options.log.debug({ reason: messageOf(error) }, "something could not be traced");
      return undefined;
    }
  }
}
