// Opens the telemetry of a process (docs/telemetry.md): through the SDK that the host process has
// registered, or with an exporter of our own.
import { randomBytes } from "node:crypto";
import { type Clock, sleep, type Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { watchWork } from "../base/telemetry.js";
import type { Database } from "../storage/database.js";
import { RunTraces } from "../storage/runTraces.js";
import { flushHost, type HostApi, HostMeterOf, HostSpans, hostApi } from "./hostApi.js";
import { metricsBody, type Origin } from "./otlpJson.js";
import { OtlpSender } from "./otlpSender.js";
import { type Meter, OwnMeter } from "./ownMeter.js";
import { OwnSpans, type RandomHex } from "./ownSpans.js";
import { type Endpoint, readSettings, type TelemetrySettings } from "./settings.js";
import type { SpanMaker } from "./span.js";
import { SpanQueue } from "./spanQueue.js";
import { Watcher } from "./watcher.js";

/** How long the end of the process waits for a collector, in milliseconds. */
const farewellMs = 1500;

/** What telemetry needs. */
export interface TelemetryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This program's version. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds since the epoch with a fraction; of the clock and the processor unless told. */
  readonly now?: () => number;
  readonly randomHex?: RandomHex;
  readonly fetch?: typeof fetch;
}

/** Telemetry that is on. */
export interface OpenTelemetry {
  /** The server's database is open: its runs are found there. */
  attach(database: Database, serverId: string): void;
  /** Sends what is left, for a short while, and ends. */
  close(): Promise<void>;
}

/** Opens telemetry, so that it is told of all work from now on; undefined if nothing is to be told to anybody. */
export function openTelemetry(given: TelemetryOptions): OpenTelemetry | undefined {
  const { env, log } = given;
  const options = { ...given, now: given.now ?? preciseNow(given.clock) };
  const settings = readSettings(env);
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true") return undefined;
  const host = hostApi();
  const parts = host === undefined ? ownParts(settings, options) : hostParts(host, options);
  if (host === undefined) for (const warning of settings.warnings) log.warn({}, warning);
  if (parts === undefined) return undefined;
  const { version } = options;
  const { now } = options;
  const watcher = new Watcher({ ...parts, hasContents: settings.hasContents, version, now, log });
  let counts: { readonly traces: RunTraces; readonly serverId: string } | undefined;
  const gauge = (read: (traces: RunTraces, serverId: string) => number) => () => {
    try {
      return counts && read(counts.traces, counts.serverId);
    } catch (error) {
      // The disk, or another program that holds the database: the next export asks again.
      log.debug({ reason: messageOf(error) }, "the queue could not be counted");
      return undefined;
    }
  };
  const { meter } = parts;
  meter.watch(
    "turnwire.queue.depth",
    gauge((traces, id) => traces.open(id).queued),
  );
  meter.watch(
    "turnwire.runs.open",
    gauge((traces, id) => traces.open(id).open),
  );
  meter.watch(
    "turnwire.completions.unacknowledged",
    gauge((traces) => traces.unacknowledged()),
  );
  watchWork(watcher);
  return {
    attach(database, serverId) {
      const traces = new RunTraces(database);
      watcher.attach(traces);
      counts = { traces, serverId };
    },
    async close() {
      watchWork(undefined);
      counts = undefined;
      await parts.close();
    },
  };
}

interface Parts {
  readonly spans: SpanMaker;
  readonly meter: Meter;
  close(): Promise<void>;
}

/** The host's SDK has its own ways and times. */
function hostParts(api: HostApi, { version, clock, log }: TelemetryOptions): Parts {
  const { trace, metrics } = api;
  return {
    spans: trace === undefined ? noSpans(clock) : new HostSpans({ ...api, trace }, version),
    meter: metrics === undefined ? new OwnMeter(() => 0) : new HostMeterOf({ metrics }, version),
    async close() {
      const sent = flushHost(api).catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, "the SDK of this process has not sent everything");
      });
      await Promise.race([sent, sleep(clock, farewellMs)]);
    },
  };
}

function noSpans(clock: Clock): SpanMaker {
  const sampler = { takes: () => false };
  return new OwnSpans({ sampler, randomHex, now: () => clock.now(), onEnded: () => {} });
}

/** The clock's time with a fraction. It follows the clock where that is set, or the machine slept. */
function preciseNow(clock: Clock): () => number {
  let ahead = clock.now() - performance.now();
  return () => {
    const wall = clock.now();
    if (Math.abs(wall - (performance.now() + ahead)) > 1000) ahead = wall - performance.now();
    return performance.now() + ahead;
  };
}

const randomHex: RandomHex = (bytes) => randomBytes(bytes).toString("hex");

function ownParts(settings: TelemetrySettings, options: TelemetryOptions): Parts | undefined {
  const { traces, metrics, sampler, batch } = settings;
  if (traces === undefined && metrics === undefined) return undefined;
  const { clock, log, version, now = () => clock.now() } = options;
  const origin: Origin = { resource: resourceOf(settings, version), version };
  const senderOf = (endpoint: Endpoint) =>
    new OtlpSender({
      endpoint,
      clock,
      log,
      random: Math.random,
      fetch: options.fetch ?? ((...asked) => fetch(...asked)),
    });
  const spanSender = traces && senderOf(traces);
  const queue = spanSender && new SpanQueue({ sender: spanSender, origin, batch, clock, log });
  const meter = new OwnMeter(now);
  const exporter = metrics && new MetricExporter(meter, senderOf(metrics), origin, settings, clock);
  const spans = new OwnSpans({
    sampler: queue === undefined ? { takes: () => false } : sampler,
    randomHex: options.randomHex ?? randomHex,
    now,
    onEnded: (span) => queue?.add(span),
  });
  return {
    spans,
    meter,
    async close() {
      const sent = Promise.all([queue?.flush(), exporter?.flush()]);
      await Promise.race([sent, sleep(clock, farewellMs)]);
      queue?.close();
      spanSender?.close();
      exporter?.close();
    },
  };
}

function resourceOf({ resource }: TelemetrySettings, version: string) {
  return {
    "telemetry.sdk.name": "turnwire",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.version": version,
    "service.version": version,
    "service.instance.id": randomHex(16),
    ...resource,
  };
}

/** Sends the measurements every so often. */
class MetricExporter {
  readonly #meter: OwnMeter;
  readonly #sender: OtlpSender;
  readonly #origin: Origin;
  readonly #everyMs: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #sending: Promise<unknown> | undefined;

  constructor(
    meter: OwnMeter,
    sender: OtlpSender,
    origin: Origin,
    { metricsEveryMs }: TelemetrySettings,
    clock: Clock,
  ) {
    this.#meter = meter;
    this.#sender = sender;
    this.#origin = origin;
    this.#everyMs = metricsEveryMs;
    this.#clock = clock;
    this.#timer = this.#later();
  }

  async flush(): Promise<void> {
    // What is being sent is older: the newest numbers are what counts.
    await this.#sending;
    await this.#send();
  }

  close(): void {
    this.#timer?.cancel();
    this.#sender.close();
  }

  #later(): Timer {
    return this.#clock.after(this.#everyMs, () => {
      this.#timer = this.#later();
      this.#sending ??= this.#send().finally(() => {
        this.#sending = undefined;
      });
    });
  }

  async #send(): Promise<void> {
    const measured = this.#meter.collect();
    if (measured.length > 0) await this.#sender.send(metricsBody(measured, this.#origin));
  }
}
