// One request to a client, with every way in which it can end: answered, refused, not answered in
// time, or never because the client went away.
import {
  CancellationTokenSource,
  ConnectionError,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import { afterAwake } from "../base/awakeTime.js";
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";

/** A connection that requests can go to. */
export interface Reachable {
  readonly connection: MessageConnection;
  /** Aborted when the client has gone. */
  readonly gone: AbortSignal;
}

/** How a request ended. */
export type ClientAnswer =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly message: string; readonly code: unknown }
  | { readonly kind: "silent" | "gone" };

/**
 * What vscode-jsonrpc rejects a request with when no answer can come any more, beside its
 * `ConnectionError`. A client may use every other code for errors of its own.
 */
const lostCodes: readonly unknown[] = [-32099, -32097, -32096];

/**
 * Sends one request, once. A request that is not answered is withdrawn with `$/cancelRequest`.
 * Rejects only with the signal's reason, at once, when the signal is aborted.
 */
export async function requestClient(
  { connection, gone }: Reachable,
  method: string,
  params: object,
  { signal, timeoutMs, clock }: { signal: AbortSignal; timeoutMs: number; clock: Clock },
): Promise<ClientAnswer> {
  signal.throwIfAborted();
  const cancellation = new CancellationTokenSource();
  const settled = new AbortController();
  const stop = AbortSignal.any([signal, gone]);
  let isOver = false;
  try {
    const silent = new Promise<ClientAnswer>((resolve, reject) => {
      const timer = afterAwake(clock, timeoutMs, () => resolve({ kind: "silent" }));
      settled.signal.addEventListener("abort", () => timer.cancel(), { once: true });
      const onStop = () => (signal.aborted ? reject(signal.reason) : resolve({ kind: "gone" }));
      if (stop.aborted) onStop();
      else stop.addEventListener("abort", onStop, { once: true, signal: settled.signal });
    });
    const answer = connection
      .sendRequest(method, params, cancellation.token)
      .then((result): ClientAnswer => ({ kind: "result", result }), failureOf);
    const first = await Promise.race([answer, silent]);
    isOver = first.kind === "result" || first.kind === "error";
    return first;
  } finally {
    settled.abort();
    if (!isOver) cancellation.cancel();
    cancellation.dispose();
  }
}

/** Whether a request failed because no answer to it can come any more. */
export function isLost(error: unknown): boolean {
  const { code } = Object(error) as { readonly code?: unknown };
  return error instanceof ConnectionError || lostCodes.includes(code);
}

function failureOf(error: unknown): ClientAnswer {
  const { code } = Object(error) as { readonly code?: unknown };
  if (isLost(error)) return { kind: "gone" };
  return { kind: "error", message: messageOf(error), code };
}
