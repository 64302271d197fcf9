// One client's connection: the handshake, its requests, and its notifications (protocol.md sections
// 1 and 2).
import type { CancellationToken, MessageConnection, ResponseError } from "vscode-jsonrpc/node";
import type { Backend } from "../backend/backend.js";
import type { Caller } from "../backend/caller.js";
import { ConnectionScope } from "../backend/connectionScope.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { ClientTools, OwnTools } from "./clientTools.js";
import type { ConnectionDelivery, DeliveryHub } from "./deliveryHub.js";
import { type ErrorData, ErrorTranslator, wireError } from "./errorTranslation.js";
import { type ConnectionHandlers, createHandlers } from "./handlers.js";
import { Handshake, type ServerDescription } from "./handshake.js";
import type { Rest } from "./heldRequests.js";
import type { Askable, QuestionDesk } from "./questionDesk.js";
import { Router } from "./router.js";

/** The part of a channel that a connection needs. */
export interface ConnectionChannel {
  readonly connection: MessageConnection;
  afterWritten(result: object, run: () => void): void;
}

/** What is needed to serve a connection. */
export interface ConnectionOptions<D extends ConnectionDelivery> {
  readonly channel: ConnectionChannel;
  readonly backend: Backend;
  readonly hub: DeliveryHub<D>;
  readonly desk: QuestionDesk;
  readonly clientTools: ClientTools;
  readonly description: ServerDescription;
  readonly ids: Ids;
  readonly log: Log;
  /** Whether it is one of several, whose clients are strangers to each other. */
  readonly isShared: boolean;
  /** The client asks for the end; resolves once the completions that come of it are on disk. */
  shutdown(): Promise<void>;
  /** Resolves when an answer has waited long enough for completions to be written before it. */
  patience(): Promise<void>;
  /** Waits before a request is tried again. */
  readonly rest: Rest;
  /** Watches the process that `initialize.processId` names. */
  watchParent(processId: number): void;
  /** Called when `initialize` has been answered. */
  onGreeted(): void;
}

/** A connection that is being served. */
export interface ServedConnection {
  /** Resolves when the client sends `exit`. */
  readonly exitAsked: Promise<void>;
  /** From now on every request is refused with `ServerShuttingDown`. */
  refuseRequests(): void;
  /** Tells that the client has gone: its completions may reach it on another connection. */
  leave(): void;
  /** Sends nothing more to the client. */
  close(): void;
}

/** Serves one client until it is closed. */
export function serveConnection<D extends ConnectionDelivery>(
  options: ConnectionOptions<D>,
): ServedConnection {
  const { backend, hub, desk, ids, log } = options;
  const { connection } = options.channel;
  const scope = options.isShared ? new ConnectionScope(() => delivery.clientId) : undefined;
  const delivery: D = hub.connect(
    { send: ({ method, params }) => connection.sendNotification(method, params) },
    scope && ((event) => scope.includes(event)),
  );
  const handshake = handshakeOf(options, delivery);
  // Runs that were accepted before `initialize` are this connection's too.
  const firstId = delivery.clientId;
  const tools = options.clientTools.add({
    connection,
    isOf: (clientId) => clientId === delivery.clientId || clientId === firstId,
  });
  let isShuttingDown = false;
  const handlers = createHandlers(
    backend,
    connectionHandlers(options, { handshake, delivery, tools }, () => {
      isShuttingDown = true;
    }),
  );
  const router = new Router(handlers, new ErrorTranslator(ids, log), options.rest);
  const exitAsked = new Deferred<void>();
  listen(connection, router, {
    log,
    caller: (signal) => ({ clientId: delivery.clientId, signal, ...defined({ scope }) }),
    isShuttingDown: () => isShuttingDown,
    onExit: () => exitAsked.resolve(),
  });
  const forget = desk.add(askable(connection, firstId, delivery, handshake));
  connection.listen();
  return {
    exitAsked: exitAsked.promise,
    refuseRequests() {
      isShuttingDown = true;
    },
    leave() {
      tools.remove();
      hub.leave(delivery);
      if (scope === undefined) return;
      forget();
      void backend.leave(scope);
    },
    close() {
      forget();
      tools.remove();
      hub.disconnect(delivery);
    },
  };
}

/** The connection as questions can go to it. */
function askable(
  connection: MessageConnection,
  earlierId: string,
  delivery: ConnectionDelivery,
  handshake: Handshake,
): Askable {
  return {
    connection,
    earlierId,
    get clientId() {
      return delivery.clientId;
    },
    get canAnswer() {
      return handshake.canAnswerQuestions;
    },
    get canGiveInput() {
      return handshake.canGiveInput;
    },
  };
}

function handshakeOf<D extends ConnectionDelivery>(
  { channel, backend, description, ...options }: ConnectionOptions<D>,
  delivery: D,
): Handshake {
  return new Handshake({
    delivery,
    description,
    adoptEarlierRuns: (from, to) => backend.adopt(from, to),
    watchParent: (processId) => options.watchParent(processId),
    onGreeted: () => options.onGreeted(),
    afterWritten: (result, run) => channel.afterWritten(result, run),
  });
}

/**
 * Answers the methods of the connection itself. The end of a run is written before the answer to
 * the request that caused it.
 */
function connectionHandlers(
  {
    backend,
    shutdown,
    patience,
  }: Pick<ConnectionOptions<never>, "backend" | "shutdown" | "patience">,
  {
    handshake,
    delivery,
    tools,
  }: { handshake: Handshake; delivery: ConnectionDelivery; tools: OwnTools },
  onShutdown: () => void,
): ConnectionHandlers {
  const first = (told: Promise<void>) => Promise.race([told, patience()]);
  return {
    initialize: (params) => handshake.initialize(params),
    setTools: (params) => {
      tools.set(params.tools);
      return {};
    },
    listTools: async (params, caller) => {
      const ofClient = tools.offered(caller.clientId).map(({ readOnly = false, ...tool }) => ({
        ...tool,
        readOnly,
        source: "client",
      }));
      return { tools: [...(await backend.agents.listTools(params, caller)), ...ofClient] };
    },
    shutdown: async () => {
      onShutdown();
      await shutdown();
      await first(delivery.drained());
      return {};
    },
    deleteWorkspace: async (params, caller) => {
      const answer = await backend.deleteWorkspace(params, caller);
      await first(delivery.completionsWritten());
      return answer;
    },
  };
}

/** What is needed to answer the messages of a connection. */
interface Listener {
  readonly log: Log;
  caller(signal: AbortSignal): Caller;
  isShuttingDown(): boolean;
  onExit(): void;
}

/** Makes the router answer the messages of a connection. */
function listen(connection: MessageConnection, router: Router, listener: Listener): void {
  const { log, caller } = listener;
  connection.onRequest((method: string, params: unknown, token: CancellationToken) => {
    if (listener.isShuttingDown() && method !== "shutdown") {
      return wireError("ServerShuttingDown", "The server is shutting down.");
    }
    return withSignal(token, (signal) => router.request(method, params, caller(signal)));
  });
  connection.onNotification((method: string, params: unknown) => {
    if (method === "exit") return listener.onExit();
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
