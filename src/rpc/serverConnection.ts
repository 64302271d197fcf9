// One client's connection: the handshake, its requests, and its notifications (protocol.md sections
// 1 and 2).
import type { MessageConnection } from "vscode-jsonrpc/node";
import { ConnectionScope } from "../backend/connectionScope.js";
import type { ChannelLoad } from "../base/clientLoad.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { Askable } from "./askable.js";
import type { ClientDesks } from "./clientDesks.js";
import type { OwnTools } from "./clientTools.js";
import { connectionHandlers, type HandlerParts } from "./connectionHandlers.js";
import type { ConnectionDelivery, ConnectionSender, DeliveryHub } from "./deliveryHub.js";
import { ErrorTranslator } from "./errorTranslation.js";
import { createHandlers } from "./handlers.js";
import { Handshake, type ServerDescription } from "./handshake.js";
import type { Rest } from "./heldRequests.js";
import { listen } from "./listen.js";
import type { TraceChannel } from "./messageTrace.js";
import { OpenRequests } from "./openRequests.js";
import { RequestCaller } from "./requestCaller.js";
import { Router } from "./router.js";
import { traceSwitch } from "./traceSwitch.js";

/** What a daemon that drains takes no more of. */
const beginning: ReadonlySet<string> = new Set([
  "createWorkspace",
  "createSession",
  "sendMessage",
  "summarizeSession",
  "forkSession",
  "rewindSession",
]);

/** The part of a channel that a connection needs. */
export interface ConnectionChannel extends Pick<TraceChannel, "tap"> {
  readonly connection: MessageConnection;
  afterWritten(result: object, run: () => void): void;
  /** See `Channel`; without it, each message is written by itself. */
  together?(send: () => void): void;
  load?(): ChannelLoad;
}

/** What is needed to serve a connection. */
export interface ConnectionOptions<D extends ConnectionDelivery> extends HandlerParts, ClientDesks {
  readonly channel: ConnectionChannel;
  readonly hub: DeliveryHub<D>;
  readonly description: ServerDescription;
  readonly ids: Ids;
  readonly log: Log;
  /** The time in milliseconds. */
  now(): number;
  /** Whether it is one of several, whose clients are strangers to each other. */
  readonly isShared: boolean;
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
  /** From now on requests that would begin something are refused with `ServerShuttingDown`. */
  refuseRuns(): void;
  /** Resolves when every request that has arrived is answered. */
  answered(): Promise<void>;
  /** Tells that the client has gone: its completions may reach it on another connection. */
  leave(): void;
  /** Sends nothing more to the client. */
  close(): void;
}

/** Serves one client until it is closed. */
export function serveConnection<D extends ConnectionDelivery>(
  options: ConnectionOptions<D>,
): ServedConnection {
  const { backend, hub, ids, log } = options;
  const { connection } = options.channel;
  const scope = options.isShared ? new ConnectionScope(() => delivery.clientId) : undefined;
  const delivery: D = hub.connect(
    senderOver(options.channel),
    scope && ((event) => scope.includes(event)),
  );
  const setTrace = traceSwitch(options.channel, log, () => options.now());
  const handshake = handshakeOf(options, delivery, setTrace, () => options.desk.identified(asked));
  // Runs that were accepted before `initialize` are this connection's too.
  const firstId = delivery.clientId;
  const { tools, removeOffers } = addOffers(options, firstId, delivery, handshake);
  let isShuttingDown = false;
  let isDraining = false;
  const open = new OpenRequests();
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
    caller: () => new RequestCaller(delivery, handshake, scope),
    open,
    isRefused: (method) =>
      (isShuttingDown && method !== "shutdown") || (isDraining && beginning.has(method)),
    onExit: () => exitAsked.resolve(),
    onTrace: setTrace,
  });
  const asked = askable(connection, firstId, delivery, handshake);
  const forget = options.desk.add(asked);
  connection.listen();
  return {
    exitAsked: exitAsked.promise,
    refuseRequests() {
      isShuttingDown = true;
    },
    refuseRuns() {
      isDraining = true;
    },
    answered: () => open.none(),
    leave() {
      removeOffers();
      hub.leave(delivery);
      forget();
      if (scope !== undefined) void backend.leave(scope);
    },
    close() {
      forget();
      removeOffers();
      hub.disconnect(delivery);
    },
  };
}

/** Sends notifications for the delivery. */
function senderOver({ connection, together, load }: ConnectionChannel): ConnectionSender {
  const send: ConnectionSender["send"] = ({ method, params }) =>
    connection.sendNotification(method, params);
  return { send, ...defined({ together, load }) };
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

/** Makes known that the client may have tools and an editor. */
function addOffers(
  {
    channel,
    clientTools,
    clientFiles,
  }: Pick<ConnectionOptions<never>, "channel" | keyof ClientDesks>,
  firstId: string,
  delivery: ConnectionDelivery,
  handshake: Handshake,
): { readonly tools: OwnTools; removeOffers(): void } {
  const { connection } = channel;
  const isOf = (clientId: string) => clientId === delivery.clientId || clientId === firstId;
  const tools = clientTools.add({ connection, isOf });
  const removeFiles = clientFiles.add({
    connection,
    isOf,
    get hasFiles() {
      return handshake.hasFiles;
    },
  });
  return {
    tools,
    removeOffers() {
      tools.remove();
      removeFiles();
    },
  };
}

function handshakeOf<D extends ConnectionDelivery>(
  { channel, backend, description, isShared, ...options }: ConnectionOptions<D>,
  delivery: D,
  setTrace: (params: unknown) => void,
  onGreeted: () => void,
): Handshake {
  return new Handshake({
    delivery,
    description,
    isDaemon: isShared,
    adoptEarlierRuns: (from, to) => backend.adopt(from, to),
    watchParent: (processId) => options.watchParent(processId),
    setTrace,
    onGreeted: () => {
      onGreeted();
      options.onGreeted();
    },
    afterWritten: (result, run) => channel.afterWritten(result, run),
  });
}
