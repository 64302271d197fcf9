// Answers the requests and notifications of one connection (protocol.md section 1).
import type { CancellationToken, MessageConnection, ResponseError } from "vscode-jsonrpc/node";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type ErrorData, wireError } from "./errorTranslation.js";
import type { OpenRequests } from "./openRequests.js";
import type { RequestCaller } from "./requestCaller.js";
import type { Router } from "./router.js";

/** What is needed to answer the messages of a connection. */
export interface Listener {
  readonly log: Log;
  /** The caller of one more request. */
  caller(): RequestCaller;
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
    const by = caller();
    return listener.open.add(untilCancelled(token, by, () => router.request(method, params, by)));
  });
  connection.onNotification((method: string, params: unknown) => {
    if (method === "exit") return listener.onExit();
    if (method === "$/setTrace") return listener.onTrace(params);
    if (!router.takesNotification(method)) {
      log.debug({ method }, "a notification that means nothing here was ignored");
      return;
    }
    router.request(method, params, caller()).catch((error: unknown) => {
      log.warn({ method, reason: messageOf(error) }, "a notification was refused");
    });
  });
}

/**
 * Runs `work` for a caller, whose signal the token aborts. A cancelled request is answered at once. Work
 * that it has begun goes on if it belongs to the workspace and not to the request.
 */
async function untilCancelled<T>(
  token: CancellationToken,
  caller: RequestCaller,
  work: () => Promise<T>,
): Promise<T | ResponseError<ErrorData>> {
  const cancelled = new Deferred<ResponseError<ErrorData>>();
  const cancel = () => {
    caller.cancel();
    // Work that is done at once, such as accepting a prompt, is answered normally.
    setImmediate(() =>
      cancelled.resolve(wireError("RequestCancelled", "The request was cancelled.")),
    );
  };
  if (token.isCancellationRequested) cancel();
  const outcome = work();
  const subscription = token.onCancellationRequested(cancel);
  try {
    // The router has logged unexpected errors. Nobody waits for a rejection after the answer.
    outcome.catch(() => {});
    return await Promise.race([outcome, cancelled.promise]);
  } finally {
    subscription.dispose();
  }
}
