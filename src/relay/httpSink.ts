// Carries completions to a webhook (docs/fleet.md).
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { redact } from "../base/redact.js";
import { systemErrorCode } from "../base/systemError.js";
import type { HttpRelay } from "../config/relaySettings.js";
import { fetchVia } from "../network/fetchVia.js";
import { eventMediaType, type RelayedEvent } from "./relayedEvent.js";
import type { Delivered, Refusal, Sink } from "./sink.js";
import { webhookSignature } from "./webhookSignature.js";

/** How long a request may take, in milliseconds. */
const requestMs = 30_000;
/** They are sent one after another, so that none overtakes another. */
const batch = 20;

/** Statuses that say: not now. */
const laterStatuses: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 425, 429]);

/** A webhook. Each completion is one POST; a status of 200 to 299 confirms it. */
export function httpSink(relay: HttpRelay, clock: Clock): Sink {
  return {
    batch,
    async deliver(events, signal): Promise<Delivered> {
      for (const [confirmed, event] of events.entries()) {
        const refusal = await post(relay, event, { clock, signal });
        if (refusal !== undefined) return { confirmed, refusal };
      }
      return { confirmed: events.length };
    },
    async close() {},
  };
}

/** Why a completion was not confirmed; undefined if it was. */
async function post(
  relay: HttpRelay,
  event: RelayedEvent,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Refusal | undefined> {
  const body = event.json ?? "";
  const ending = new AbortController();
  const timer = clock.after(requestMs, () => ending.abort());
  try {
    const response = await fetchVia(
      relay.url,
      {
        method: "POST",
        headers: headersOf(relay, { id: event.completion.completionId, body, now: clock.now() }),
        body,
        // A signed completion is for this address alone.
        redirect: "manual",
        signal: AbortSignal.any([signal, ending.signal]),
      },
      defined({ proxies: relay.proxies }),
    );
    // Nobody reads it, however long it is.
    await response.body?.cancel();
    return refusalOf(response, clock.now());
  } catch (error) {
    const reason = ending.signal.aborted
      ? `no answer within ${requestMs / 1000} seconds`
      : `no connection: ${redact(reasonOf(error), relay.secrets)}`;
    return { kind: "wait", reason };
  } finally {
    timer.cancel();
  }
}

function headersOf(
  { headers, secret }: HttpRelay,
  { id, body, now }: { id: string; body: string; now: number },
): Record<string, string> {
  const seconds = Math.floor(now / 1000);
  const signature =
    secret === undefined ? undefined : webhookSignature(secret, { id, seconds, body });
  return {
    ...Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const),
    ),
    "content-type": eventMediaType,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    ...defined({ "webhook-signature": signature }),
  };
}

function refusalOf({ status, headers }: Response, now: number): Refusal | undefined {
  if (status >= 200 && status < 300) return undefined;
  const reason = `HTTP status ${status}`;
  if (status === 410) return { kind: "stop", reason };
  if (status === 413) return { kind: "tooLarge", reason };
  if (status >= 400 && status < 500 && !laterStatuses.has(status))
    return { kind: "refused", reason };
  const afterMs = retryAfter(headers.get("retry-after"), now);
  return { kind: "wait", reason, ...defined({ afterMs }) };
}

/** The wait that a header asks for, in milliseconds: it has seconds, or a date. */
function retryAfter(text: string | null, now: number): number | undefined {
  if (text === null || text.trim() === "") return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

/** `fetch` hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return systemErrorCode(cause) ?? (messageOf(cause) || messageOf(error));
}
