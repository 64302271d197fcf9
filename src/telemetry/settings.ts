// What the environment asks of telemetry: the variables of OpenTelemetry's specification.
import { defined } from "../base/defined.js";
import type { ResourceAttributes } from "./otlpJson.js";
import { type Sampler, samplerOf, usualSampler } from "./sampler.js";

type Env = Readonly<Record<string, string | undefined>>;

/** Where one signal goes. */
export interface Endpoint {
  readonly url: string;
  /** They may hold keys: they go to that URL and nowhere else. */
  readonly headers: Readonly<Record<string, string>>;
  /** How long one try may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly isCompressed: boolean;
}

/** What is asked for. */
export interface TelemetrySettings {
  readonly traces?: Endpoint;
  readonly metrics?: Endpoint;
  readonly resource: ResourceAttributes;
  readonly sampler: Sampler;
  /** Whether messages, arguments and results are told. */
  readonly hasContents: boolean;
  readonly batch: { readonly delayMs: number; readonly mostSpans: number; readonly size: number };
  readonly metricsEveryMs: number;
  /** What is wrong with the variables, for a person; holds no value of a header. */
  readonly warnings: readonly string[];
}

const usualTimeoutMs = 10_000;

/** Reads the variables. A wrong one is told in `warnings`, and counts as not set. */
export function readSettings(env: Env): TelemetrySettings {
  const warnings: string[] = [];
  const read = new Reader(env, (warning) => warnings.push(warning));
  const size = read.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512);
  const mostSpans = read.count("OTEL_BSP_MAX_QUEUE_SIZE", 2048);
  return {
    ...defined({ traces: endpointOf(read, "TRACES"), metrics: endpointOf(read, "METRICS") }),
    resource: resourceOf(read),
    sampler: samplerFrom(read),
    hasContents: isTrue(read.text("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")),
    batch: {
      delayMs: read.count("OTEL_BSP_SCHEDULE_DELAY", 5000),
      mostSpans,
      size: Math.min(size, mostSpans),
    },
    metricsEveryMs: read.count("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
    warnings,
  };
}

class Reader {
  readonly #env: Env;
  readonly warn: (warning: string) => void;

  constructor(env: Env, warn: (warning: string) => void) {
    this.#env = env;
    this.warn = warn;
  }

  /** A variable; one that is empty counts as not set. */
  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** A whole number above 0. */
  count(name: string, usual: number): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    const value = Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    this.warn(`${name} is not a whole number above 0; ${usual} is used.`);
    return usual;
  }

  /** `name=value,name=value`, percent-encoded. Undefined if it is not that; its text is never told. */
  pairs(name: string): Readonly<Record<string, string>> | undefined {
    const pairs: Record<string, string> = {};
    for (const member of (this.text(name) ?? "").split(",")) {
      if (member.trim() === "") continue;
      const at = member.indexOf("=");
      const key = decoded(member.slice(0, Math.max(at, 0)));
      const value = decoded(member.slice(at + 1));
      if (!key || value === undefined) {
        this.warn(`${name} is not a list of name=value, each percent-encoded; it is not used.`);
        return undefined;
      }
      pairs[key] = value;
    }
    return pairs;
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    // A percent sign that encodes nothing: the caller tells which variable is wrong.
    return undefined;
  }
}

/** Where a signal goes; undefined if it goes nowhere. */
function endpointOf(read: Reader, signal: "TRACES" | "METRICS"): Endpoint | undefined {
  const exporters = read.text(`OTEL_${signal}_EXPORTER`)?.split(",") ?? [];
  const names = exporters.map((name) => name.trim());
  if (names.includes("none")) return undefined;
  for (const name of names) {
    if (name === "otlp") continue;
    read.warn(`OTEL_${signal}_EXPORTER is "otlp" or "none" here; "${name}" is not known.`);
  }
  const isNamed = names.includes("otlp");
  if (names.length > 0 && !isNamed) return undefined;
  const own = `OTEL_EXPORTER_OTLP_${signal}`;
  const either = (name: string) =>
    read.text(`${own}_${name}`) ?? read.text(`OTEL_EXPORTER_OTLP_${name}`);
  const url = urlOf(read, signal) ?? (isNamed ? usualEndpoint(read, signal) : undefined);
  if (url === undefined || !speaksJson(read, signal, either("PROTOCOL"))) return undefined;
  const headers = {
    ...read.pairs("OTEL_EXPORTER_OTLP_HEADERS"),
    ...read.pairs(`${own}_HEADERS`),
  };
  const name = read.text(`${own}_TIMEOUT`) ? `${own}_TIMEOUT` : "OTEL_EXPORTER_OTLP_TIMEOUT";
  return {
    url,
    headers: usable(headers, read),
    timeoutMs: read.count(name, usualTimeoutMs),
    isCompressed: either("COMPRESSION") === "gzip",
  };
}

function usable(headers: Readonly<Record<string, string>>, read: Reader) {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers({ [name]: value });
      kept[name] = value;
    } catch {
      read.warn("A header of OTEL_EXPORTER_OTLP_HEADERS cannot be sent; it is left out.");
    }
  }
  return kept;
}

function urlOf(read: Reader, signal: string): string | undefined {
  const ownName = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const own = read.text(ownName);
  const name = own === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : ownName;
  const text = own ?? read.text(name);
  if (text === undefined) return undefined;
  try {
    const url = new URL(text);
    const base = url.pathname.replace(/\/$/, "");
    if (own === undefined) url.pathname = `${base}/v1/${signal.toLowerCase()}`;
    const isHttp = url.protocol === "http:" || url.protocol === "https:";
    if (isHttp && url.username === "" && url.password === "") return url.href;
  } catch {
    // It is told below, without its text, which may hold a password.
  }
  read.warn(`${name} is not a URL of http or https without a password; nothing is sent there.`);
  return undefined;
}

/** Where a collector of this machine listens: for whoever asks for an exporter and names no place. */
function usualEndpoint(read: Reader, signal: string): string | undefined {
  const names = [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, "OTEL_EXPORTER_OTLP_ENDPOINT"];
  const isWrong = names.some((name) => read.text(name) !== undefined);
  return isWrong ? undefined : `http://localhost:4318/v1/${signal.toLowerCase()}`;
}

function speaksJson(read: Reader, signal: string, protocol = "http/json"): boolean {
  if (protocol === "http/json") return true;
  const what = `OTEL_EXPORTER_OTLP_PROTOCOL "${protocol}" is not spoken here, only "http/json".`;
  if (protocol === "http/protobuf") {
    read.warn(`${what} ${signal} are sent as http/json, which the same endpoint takes.`);
    return true;
  }
  read.warn(`${what} ${signal} are not sent: name the collector's HTTP endpoint (port 4318).`);
  return false;
}

function resourceOf(read: Reader): ResourceAttributes {
  return {
    "service.name": "turnwire",
    ...read.pairs("OTEL_RESOURCE_ATTRIBUTES"),
    ...defined({ "service.name": read.text("OTEL_SERVICE_NAME") }),
  };
}

function samplerFrom(read: Reader): Sampler {
  const name = read.text("OTEL_TRACES_SAMPLER");
  if (name === undefined) return usualSampler;
  const sampler = samplerOf(name, read.text("OTEL_TRACES_SAMPLER_ARG"));
  if (sampler !== undefined) return sampler;
  read.warn("OTEL_TRACES_SAMPLER or its argument is not known; parentbased_always_on is used.");
  return usualSampler;
}

/** A switch of the specification: only "true" is on, in any case. */
function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}
