// Sends bodies to a collector over HTTP. A collector that is away or slow costs patience here and
// nothing elsewhere: a body is tried again for a while, and then it is lost.
import { waitAfter } from "../base/backOff.js";
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { redact, secretsOf } from "../base/redact.js";
import { type Rejection, rejectionIn } from "./partialSuccess.js";
import type { Endpoint } from "./settings.js";

const retried: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const retries = { firstMs: 1000, mostMs: 16_000 };
const mostTries = 5;
/** A collector may ask for a longer wait; then the body is lost, so that what comes after it is not. */
const longestWaitMs = 30_000;

/** What a sender needs. */
export interface OtlpSenderOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly log: Log;
  readonly fetch: typeof fetch;
  /** From 0 up to 1, for the jitter of waits. */
  readonly random: () => number;
}

type Tried =
  | { readonly isSent: true }
  | { readonly isSent: false; readonly reason: string; readonly waitMs: number | undefined };

/** Sends to one endpoint. */
export class OtlpSender {
  readonly #options: OtlpSenderOptions;
  readonly #secrets: readonly string[];
  readonly #ending = new AbortController();
  #hasTrouble = false;
  #hasRejected = false;

  constructor(options: OtlpSenderOptions) {
    this.#options = options;
    this.#secrets = secretsOf(undefined, options.endpoint.headers);
  }

  /** Sends a body; whether it arrived. Never rejects. */
  async send(body: string): Promise<boolean> {
    const { clock, random } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const tried = await this.#try(body);
      if (tried.isSent) return true;
      const { waitMs } = tried;
      if (waitMs === undefined || attempt >= mostTries || waitMs > longestWaitMs) return false;
      const wait = Math.max(waitMs, waitAfter(attempt, retries) * (0.5 + random() / 2));
      try {
        await sleep(clock, wait, this.#ending.signal);
      } catch {
        // It rejects for only one reason: nothing is waited for any more.
        return false;
      }
    }
  }

  /** Sends nothing more, and ends what is being sent. */
  close(): void {
    this.#ending.abort(new Error("the telemetry is closed"));
  }

  async #try(body: string): Promise<Tried> {
    if (this.#ending.signal.aborted) return { isSent: false, reason: "closed", waitMs: undefined };
    const tried = await this.#post(body);
    if (this.#ending.signal.aborted) return tried;
    const { endpoint, log } = this.#options;
    const { origin } = new URL(endpoint.url);
    if (!tried.isSent && !this.#hasTrouble) {
      log.warn({ collector: origin, reason: tried.reason }, "telemetry cannot be sent");
    } else if (tried.isSent && this.#hasTrouble) {
      log.info({ collector: origin }, "telemetry is sent again");
    }
    this.#hasTrouble = !tried.isSent;
    return tried;
  }

  /** Told once until a batch is taken whole: what is refused is refused again and again. */
  #tellRejected(rejection: Rejection | undefined): void {
    const isNew = rejection !== undefined && !this.#hasRejected;
    this.#hasRejected = rejection !== undefined;
    if (!isNew) return;
    const { endpoint, log } = this.#options;
    const { origin } = new URL(endpoint.url);
    const reason = redact(rejection.reason, this.#secrets);
    log.warn(
      { collector: origin, rejected: rejection.count, reason },
      "the collector has refused a part of the telemetry",
    );
  }

  async #post(body: string): Promise<Tried> {
    const { endpoint, clock } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(endpoint.timeoutMs, () =>
      limit.abort(new Error(`no answer within ${endpoint.timeoutMs} ms`)),
    );
    try {
      const response = await this.#options.fetch(endpoint.url, {
        method: "POST",
        headers: {
          ...endpoint.headers,
          "content-type": "application/json",
          ...defined({ "content-encoding": endpoint.isCompressed ? "gzip" : undefined }),
        },
        body: endpoint.isCompressed ? await compressed(body) : body,
        // A header may hold a key, which belongs to this address alone.
        redirect: "error",
        signal: AbortSignal.any([limit.signal, this.#ending.signal]),
      });
      if (response.ok) {
        this.#tellRejected(await rejectionIn(response));
        return { isSent: true };
      }
      await response.body?.cancel();
      return refused(response, clock.now());
    } catch (error) {
      return { isSent: false, reason: redact(reasonOf(error), this.#secrets), waitMs: 0 };
    } finally {
      timer.cancel();
    }
  }
}

function refused(response: Response, now: number): Tried {
  const reason = `HTTP ${response.status}`;
  const waitMs = retried.has(response.status) ? askedWait(response, now) : undefined;
  return { isSent: false, reason, waitMs };
}

/** How long the collector asks to wait, in milliseconds; 0 if it does not say. */
function askedWait({ headers }: Response, now: number): number {
  const text = headers.get("retry-after")?.trim() ?? "";
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Node's `fetch` says what went wrong only in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : messageOf(cause);
}

async function compressed(body: string): Promise<Uint8Array<ArrayBuffer>> {
  const [{ gzip }, { promisify }] = await Promise.all([import("node:zlib"), import("node:util")]);
  return new Uint8Array(await promisify(gzip)(body));
}
