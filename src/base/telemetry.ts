// What telemetry is told of this process's work (docs/telemetry.md). Unless it is on, nothing of it is
// loaded, and each place that tells it something costs one look at a variable.

/** A place in a caller's trace, as W3C Trace Context writes it. It may hold anything: it is checked. */
export interface TraceParent {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** The members of a message in which a place may be named. */
export interface NamedParent {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** What a run has used. */
interface RunTokens {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedPromptTokens?: number | undefined;
  readonly cacheWriteTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** A part of a call's tokens, as a provider reports them. */
interface ReportedTokens {
  readonly inputTokens: {
    readonly total: number | undefined;
    readonly cacheRead: number | undefined;
    readonly cacheWrite: number | undefined;
  };
  readonly outputTokens: {
    readonly total: number | undefined;
    readonly reasoning: number | undefined;
  };
}

/** Each kind of work: what is known when it begins, what is seen on the way, and how it ended. */
export interface TracedWork {
  /** A run; a sub-task is one too, inside of its tool call. */
  readonly run: {
    readonly begun: {
      readonly kind: "prompt" | "summary" | "task";
      readonly sessionId: string;
      readonly workspaceId?: string;
      readonly runId?: string | undefined;
      /** Its place in the table of runs; a sub-task has none. */
      readonly position?: number;
      readonly prompt: { readonly text: string };
    };
    readonly seen: never;
    readonly ended: {
      /** As in the completion, or `parked`: the run goes on in another server. */
      readonly status: string;
      readonly text: string;
      readonly cause?: string | undefined;
      readonly errorName?: string | undefined;
      readonly error?: string | undefined;
      readonly usage?: RunTokens | undefined;
    };
  };
  /** One request to a model: a call that is tried three times is three. */
  readonly chat: {
    readonly begun: {
      readonly providerId: string;
      readonly modelId: string;
      readonly attempt: number;
      readonly purpose: string;
      /** The options of the AI SDK's call. */
      readonly options: object;
    };
    /** A part of the AI SDK's stream. */
    readonly seen: object;
    readonly ended: {
      readonly kind: "finished" | "failed" | "cancelled";
      readonly finishReason?: string;
      readonly usage?: ReportedTokens;
      readonly errorName?: string;
      readonly error?: string;
    };
  };
  readonly tool: {
    readonly begun: {
      readonly name: string;
      readonly toolCallId: string;
      readonly description?: string | undefined;
      readonly input: unknown;
      /** Another program carries it out, and only reports it. */
      readonly isElsewhere?: boolean;
    };
    readonly seen: never;
    readonly ended: {
      readonly state: "completed" | "failed" | "denied" | "cancelled";
      readonly output: string;
      /** Where these are known better by now. */
      readonly name?: string;
      readonly input?: unknown;
    };
  };
  /** A completion on its way to its client. */
  readonly delivery: {
    readonly begun: {
      readonly completionId: string;
      readonly workspaceId: string;
      readonly sessionId: string;
      readonly runId?: string | undefined;
      readonly sequence: number;
      readonly attempt: number;
      readonly status: string;
    };
    readonly seen: never;
    readonly ended: undefined;
  };
}

/** Watches over work. It never throws, except that `keep` throws what the database throws. */
export interface Telemetry {
  /** Carries out work under a span. Whatever it does belongs to that span. */
  traced<K extends keyof TracedWork, T>(
    kind: K,
    begun: TracedWork[K]["begun"],
    work: (seen: (part: TracedWork[K]["seen"]) => void) => Promise<T>,
    endedWith: (result: T) => TracedWork[K]["ended"],
  ): Promise<T>;
  /** Carries out work of others as if it were done where this is called. */
  here(): <T>(work: () => T) => T;
  /** The present span, for another program; undefined outside of every span. */
  carrier(): TraceParent | undefined;
  /**
   * Keeps with the run at a position where it stands: under `parent`, or in the present span once its
   * turn begins. Call it inside of the transaction that writes the run.
   */
  keep(position: number, parent?: TraceParent): void;
  /** The first of these that is valid. */
  parentOf(...named: readonly NamedParent[]): TraceParent | undefined;
  /** A run that a dead server had begun was ended. */
  interrupted(position: number): void;
}

let present: Telemetry | undefined;

/** What watches over this process's work; undefined while telemetry is off. */
export function telemetry(): Telemetry | undefined {
  return present;
}

/** Turns telemetry on, or off again. There is one in a process, as there is one OpenTelemetry SDK. */
export function watchWork(watcher: Telemetry | undefined): void {
  present = watcher;
}

/** Carries out work: under a span if telemetry is on. `seen` of the work is undefined if it is off. */
export function traced<K extends keyof TracedWork, T>(
  kind: K,
  begun: () => TracedWork[K]["begun"],
  work: (seen?: (part: TracedWork[K]["seen"]) => void) => Promise<T>,
  endedWith: (result: T) => TracedWork[K]["ended"],
): Promise<T> {
  return present === undefined ? work() : present.traced(kind, begun(), work, endedWith);
}
