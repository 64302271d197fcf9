// An OTLP collector on this machine: takes what is exported to it in JSON, and answers as a test wants.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { Deferred } from "../../src/base/deferred.js";
import { defined } from "../../src/base/defined.js";

/** A span that has arrived. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, string>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** A metric's series. */
export interface CollectedPoint {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly types: Readonly<Record<string, string>>;
  readonly value?: number;
  readonly count?: number;
  readonly sum?: number;
}

interface Request {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Json = Record<string, never>;

/** How a request is answered. */
export interface CollectorAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** It is answered no sooner. */
  readonly after?: Promise<void>;
}

export class Collector {
  readonly requests: Request[] = [];
  /** How the next requests are answered; 200 once there is none left. */
  readonly answers: CollectorAnswer[] = [];
  readonly #server: Server;
  readonly #looks = new Set<() => void>();

  constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("error", () => {});
      response.on("error", () => {});
      request.on("end", async () => {
        const bytes = Buffer.concat(chunks);
        const isGzip = request.headers["content-encoding"] === "gzip";
        const body = (isGzip ? gunzipSync(bytes) : bytes).toString();
        const answer = this.answers.shift() ?? { status: 200 };
        if (answer.status < 300) {
          this.requests.push({ path: request.url ?? "", headers: request.headers, body });
        }
        for (const look of [...this.#looks]) look();
        await answer.after;
        response.writeHead(answer.status, {
          "content-type": "application/json",
          ...answer.headers,
        });
        response.end("{}");
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every span that has arrived. */
  get spans(): CollectedSpan[] {
    return this.#bodies("/v1/traces").flatMap((body) =>
      each(body, "resourceSpans").flatMap((resource) =>
        each(resource, "scopeSpans").flatMap((scope) => each(scope, "spans").map(toSpan)),
      ),
    );
  }

  /** The newest value of every series. */
  get points(): CollectedPoint[] {
    const newest = new Map<string, CollectedPoint>();
    for (const body of this.#bodies("/v1/metrics")) {
      for (const resource of each(body, "resourceMetrics")) {
        for (const scope of each(resource, "scopeMetrics")) {
          for (const metric of each(scope, "metrics")) {
            for (const point of toPoints(metric)) {
              newest.set(JSON.stringify([point.name, point.attributes]), point);
            }
          }
        }
      }
    }
    return [...newest.values()];
  }

  /** The attributes of the resource, as they came last. */
  get resource(): Readonly<Record<string, unknown>> {
    const [resource] = each(this.#bodies("/v1/traces").at(-1) ?? {}, "resourceSpans");
    return attributesOf((resource as Json | undefined)?.resource ?? {}).values;
  }

  /** Resolves with what `look` finds, now or after a later request. */
  async until<T>(look: () => T | undefined): Promise<T> {
    const found = new Deferred<T>();
    const once = () => {
      const value = look();
      if (value === undefined) return;
      this.#looks.delete(once);
      found.resolve(value);
    };
    this.#looks.add(once);
    once();
    return found.promise;
  }

  /** The span of a name that has arrived or arrives. */
  span(name: string, match: Readonly<Record<string, unknown>> = {}): Promise<CollectedSpan> {
    return this.until(() =>
      this.spans.find(
        (span) =>
          span.name === name &&
          Object.entries(match).every(([key, value]) => span.attributes[key] === value),
      ),
    );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #bodies(path: string): Json[] {
    return this.requests
      .filter((request) => request.path === path)
      .map(({ body }) => JSON.parse(body) as Json);
  }
}

/** Starts a collector on a free port of 127.0.0.1, or on this one. */
export async function startCollector(port = 0): Promise<Collector> {
  const server = createServer();
  const collector = new Collector(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return collector;
}

function each(value: object, name: string): Json[] {
  return ((value as Record<string, unknown>)[name] ?? []) as Json[];
}

function attributesOf(value: object) {
  const values: Record<string, unknown> = {};
  const types: Record<string, string> = {};
  for (const { key, value: held } of each(value, "attributes") as unknown as {
    key: string;
    value: Record<string, unknown>;
  }[]) {
    const [[type = "", one] = []] = Object.entries(held);
    types[key] = type;
    if (type === "intValue") values[key] = Number(one);
    else if (type === "arrayValue") {
      const { values: items } = one as { values: { stringValue: string }[] };
      values[key] = items.map(({ stringValue }) => stringValue);
    } else values[key] = one;
  }
  return { values, types };
}

function toSpan(span: Json): CollectedSpan {
  const { values: attributes, types } = attributesOf(span);
  const given = span as unknown as CollectedSpan & Record<string, string>;
  return {
    ...given,
    attributes,
    types,
    start: BigInt(given.startTimeUnixNano ?? ""),
    end: BigInt(given.endTimeUnixNano ?? ""),
  };
}

function toPoints(metric: Json): CollectedPoint[] {
  const { name, unit, gauge, histogram } = metric as unknown as {
    name: string;
    unit: string;
    gauge?: object;
    histogram?: object;
  };
  return each(gauge ?? histogram ?? {}, "dataPoints").map((point) => {
    const { asInt, count, sum } = point as unknown as Record<string, string | undefined>;
    const { values: attributes, types } = attributesOf(point);
    return {
      name,
      unit,
      attributes,
      types,
      ...defined({
        value: asInt === undefined ? undefined : Number(asInt),
        count: count === undefined ? undefined : Number(count),
        sum: sum === undefined ? undefined : Number(sum),
      }),
    };
  });
}
