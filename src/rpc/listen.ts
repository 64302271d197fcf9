// Answers the requests and notifications of one connection (protocol.md section 1).
import type { CancellationToken, MessageConnection, ResponseError } from "vscode-jsonrpc/node";
import type { Caller } from "../backend/caller.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type ErrorData, wireError } from "./errorTranslation.js";
import type { OpenRequests } from "./openRequests.js";
import type { Router } from "./router.js";

/** What is needed to answer the messages of a connection. */
export interface Listener {
  readonly log: Log;
  caller(signal: AbortSignal): Caller;
  readonly open: OpenRequests;
  /** Whether the server takes no such request any more. */
  isRefused(method: string): boolean;
  onExit(): void;
  /** Takes the params of `$/setTrace`. */
  onTrace(params: unknown): void;
}

/** Makes the router answer the messages of a connection. */
export function listen(connection: MessageConnection, router: Router, listener: Listener): void {
  const { log, caller } = listener;
  connection.onRequest((method: string, params: unknown, token: CancellationToken) => {
    if (listener.isRefused(method)) {
      return wireError("ServerShuttingDown", "The server is shutting down.");
    }
    return listener.open.add(
      withSignal(token, (signal) => router.request(method, params, caller(signal))),
    );
  });
  connection.onNotification((method: string, params: unknown) => {
    if (method === "exit") return listener.onExit();
    if (method === "$/setTrace") return listener.onTrace(params);
    if (!router.takesNotification(method)) {
      log.debug({ method }, "a notification that means nothing here was ignored");
      return;
    }
    router.request(method, params, caller(new AbortController().signal)).catch((error: unknown) => {
      log.warn({ method, reason: messageOf(error) }, "a notification was refused");
    });
  });
}

/**
 * Runs `work` with a signal that the token aborts. A cancelled request is answered at once. Work
 * that it has begun goes on if it belongs to the workspace and not to the request.
 */
async function withSignal<T>(
  token: CancellationToken,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | ResponseError<ErrorData>> {
  const controller = new AbortController();
  const cancelled = new Deferred<ResponseError<ErrorData>>();
  const cancel = () => {
    controller.abort(new Error("the request was cancelled"));
    // Work that is done at once, such as accepting a prompt, is answered normally.
    setImmediate(() =>
      cancelled.resolve(wireError("RequestCancelled", "The request was cancelled.")),
    );
  };
  if (token.isCancellationRequested) cancel();
  const outcome = work(controller.signal);
  const subscription = token.onCancellationRequested(cancel);
  try {
    // The router has logged unexpected errors. Nobody waits for a rejection after the answer.
    outcome.catch(() => {});
    return await Promise.race([outcome, cancelled.promise]);
  } finally {
    subscription.dispose();
  }
}
