/**
 * A client of a Turnwire server: starts one, or attaches to one, and speaks the protocol with types
 * that come from the same declarations (`protocol.md`).
 */
import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../base/clock.js";
import { type Ids, randomIds } from "../base/ids.js";
import { type Log, silentLog } from "../base/log.js";
import type { RunComplete } from "../protocol/objects/run.js";
import {
  type LossyEvent,
  type MethodName,
  type NotificationName,
  type ParamsInput,
  protocolVersion,
  type Result,
} from "../protocol/registry.js";
import type { Framing } from "../transport/framing.js";
import { type ClientApi, createApi } from "./api.js";
import { Connection } from "./connection.js";
import { answerInput, type InputHandler } from "./inputs.js";
import type { ServerNotification, Streams } from "./link.js";
import { answerPermission, type PermissionHandler } from "./permissions.js";
import { type CompletionHandler, type RunOptions, Runs } from "./runs.js";
import {
  attachedEndpoint,
  type Endpoint,
  type ServerCommand,
  startServer,
} from "./serverProcess.js";
import { type EventsOptions, type NotificationHandler, Subscriptions } from "./subscriptions.js";
import { within } from "./within.js";

/** What both ways to get a client take. */
export interface ClientOptions
  extends Pick<
    ParamsInput<"initialize">,
    "clientId" | "clientInfo" | "ackTimeoutMs" | "optOutNotifications"
  > {
  /** How messages are set apart; `ndjson` unless told. */
  readonly framing?: Framing;
  /** Answers permission questions; without one, and until `onPermission`, they are denied. */
  readonly onPermission?: PermissionHandler;
  /** Whether the server may ask at all; without, what would ask is denied at once. */
  readonly requestPermission?: boolean;
  /** Answers what tool servers want to know; without one, and until `onInput`, it is declined. */
  readonly onInput?: InputHandler;
  /** Whether the server may ask that at all; without, it is declined at once. */
  readonly requestInput?: boolean;
  /** Whether a lost server is started again; true unless told. */
  readonly reconnect?: boolean;
  /** Gives up connecting when it is aborted; it does nothing once there is a client. */
  readonly signal?: AbortSignal;
  /**
   * How long a server may take from its start until it has answered `initialize`, in milliseconds; 30
   * seconds unless told. One that takes longer is ended, and the client rejects with that reason.
   */
  readonly startTimeoutMs?: number;
  /** How long `close` waits for running turns to end; 10 seconds unless told. */
  readonly closeTimeoutMs?: number;
  /** Gets what a caller's handler threw; without it, it becomes an uncaught exception. */
  readonly onError?: (error: unknown) => void;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

export interface SpawnOptions extends ClientOptions, ServerCommand {}

export interface AttachOptions extends ClientOptions {
  /** Streams to a server; a function opens new ones, which makes reconnecting possible. */
  readonly streams: Streams | (() => Streams | Promise<Streams>);
}

export class TurnwireClient {
  /**
   * The methods of the protocol as functions, but `initialize` and `shutdown`, which the client sends
   * itself: `client.api.createSession({ workspaceId })`.
   */
  readonly api: ClientApi;
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #runs: Runs;
  readonly #clientId: string;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  #closed: Promise<void> | undefined;
  #permissionHandler: PermissionHandler | undefined;
  #inputHandler: InputHandler | undefined;

  private constructor(
    options: ClientOptions,
    connect: () => Promise<Endpoint>,
    canReconnect: boolean,
  ) {
    const reportError = options.onError ?? throwLater;
    this.#clientId = options.clientId ?? randomUUID();
    this.#clock = options.clock ?? systemClock;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 10_000;
    this.#permissionHandler = options.onPermission;
    this.#inputHandler = options.onInput;
    this.#subscriptions = new Subscriptions(reportError);
    this.#runs = new Runs({
      request: (method, params) => this.request(method, params),
      willResend: () => this.#connection.willReconnect,
      reportError,
      ids: options.ids ?? randomIds,
    });
    this.#connection = new Connection({
      connect,
      canReconnect,
      reportError,
      framing: options.framing ?? "ndjson",
      initialize: initializeParams(options, this.#clientId),
      startTimeoutMs: options.startTimeoutMs ?? 30_000,
      closeTimeoutMs: this.#closeTimeoutMs,
      clock: this.#clock,
      log: options.log ?? silentLog,
      onNotification: (notification) => this.#receive(notification),
      onPermission: (question, signal) =>
        answerPermission(this.#permissionHandler, question, signal, reportError),
      onInput: (request, signal) => answerInput(this.#inputHandler, request, signal, reportError),
      isNeeded: () => this.#runs.isWaiting,
      onReconnected: () => this.#runs.resend(),
      onLost: (error) => this.#runs.fail(error),
    });
    this.api = createApi((method, params, signal) => this.request(method, params, signal));
  }

  /**
   * Starts a server as a child process and initialises it. Rejects with a `ConnectionLostError`
   * that has the server's last words where it cannot be started, and with a `TurnwireRpcError`
   * where it refuses this client.
   */
  static async spawn(options: SpawnOptions = {}): Promise<TurnwireClient> {
    const start = () => startServer(options, options.clock ?? systemClock);
    return TurnwireClient.#open(options, start, options.reconnect ?? true);
  }

  /** Initialises a server at the other end of streams; rejects as `spawn` does. */
  static async attach(options: AttachOptions): Promise<TurnwireClient> {
    const { streams } = options;
    const canReconnect = typeof streams === "function" && (options.reconnect ?? true);
    const connect = async () =>
      attachedEndpoint(typeof streams === "function" ? await streams() : streams);
    return TurnwireClient.#open(options, connect, canReconnect);
  }

  static async #open(
    options: ClientOptions,
    connect: () => Promise<Endpoint>,
    canReconnect: boolean,
  ): Promise<TurnwireClient> {
    const { signal } = options;
    signal?.throwIfAborted();
    const client = new TurnwireClient(options, connect, canReconnect);
    const giveUp = () => client.#connection.kill();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await client.#connection.open();
      return client;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** This client's identity: keep it, and completions that were missed come the next time. */
  get clientId(): string {
    return this.#clientId;
  }

  /** What the server answered to `initialize`. */
  get server(): Result<"initialize"> {
    return this.#connection.answer;
  }

  /**
   * Sends a request. Rejects with a `TurnwireRpcError` for an error that the server answered, and
   * with a `ConnectionLostError` where the server went away before it answered. Aborting `signal`
   * asks the server to cancel the request; what the server answers then is still what comes.
   */
  request<M extends MethodName>(
    method: M,
    params: ParamsInput<M>,
    signal?: AbortSignal,
  ): Promise<Result<M>> {
    return this.#connection.request(method, params, signal);
  }

  /**
   * Sends a prompt and resolves with its completion, however the run ends: look at its `status`.
   * The completion is acknowledged when `onComplete` is done.
   *
   * Aborting `signal` cancels the run. If the server dies, the next one is started and asked again
   * under the same `runId`, which never runs a prompt twice: a run that was cut off resolves as
   * `interrupted`. Rejects where the prompt is not accepted, where `onComplete` throws, where
   * `signal` was aborted beforehand, and with a `ConnectionLostError` where no server can be had or
   * the client is closed.
   */
  run(options: RunOptions): Promise<RunComplete> {
    return this.#runs.run(options);
  }

  /** Calls `handler` for each notification of one name; call what is returned to stop. */
  on<N extends NotificationName>(name: N, handler: NotificationHandler<N>): () => void {
    return this.#subscriptions.on(name, handler);
  }

  /**
   * All events from now on, until the loop over them is left or the client is closed. It holds a
   * bounded number for a slow reader and says what it dropped with `eventsDropped`.
   */
  events(options: EventsOptions = {}): AsyncIterableIterator<LossyEvent> {
    return this.#subscriptions.events(options);
  }

  /** Replaces what answers permission questions. */
  onPermission(handler: PermissionHandler): void {
    this.#permissionHandler = handler;
  }

  /** Replaces what answers the questions of tool servers. */
  onInput(handler: InputHandler): void {
    this.#inputHandler = handler;
  }

  /**
   * Hands every completion that no `run` waits for to `handler`, one at a time and in order, those
   * of earlier connections first; each is acknowledged when the handler is done with it. There is
   * one such handler; call what is returned to take it away.
   */
  onCompletion(handler: CompletionHandler): () => void {
    return this.#runs.onCompletion(handler);
  }

  /** Acknowledges completions that were taken in another way, e.g. with `on("runComplete", …)`. */
  acknowledge(completionIds: readonly string[]): Promise<Result<"acknowledge">> {
    return this.request("acknowledge", { completionIds: [...completionIds] });
  }

  /** Resolves when there is a server to talk to, starting one where the last was lost. */
  reconnect(): Promise<void> {
    return this.#connection.reconnect();
  }

  /**
   * Ends the server in good order: running turns are cancelled, the process is waited for, and is
   * ended where it does not end by itself. Streams of events end; a caller that still waits for a run is
   * rejected. Closing twice is harmless.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Kills the server; what it was running becomes `interrupted` when the next one starts. */
  async kill(): Promise<void> {
    this.#connection.kill();
    await this.close();
  }

  async #close(): Promise<void> {
    await within(this.#clock, this.#closeTimeoutMs, this.#runs.acknowledged(this.#clock));
    await this.#connection.close();
    this.#subscriptions.end();
  }

  #receive(notification: ServerNotification): void {
    this.#subscriptions.publish(notification);
    if (notification.method === "runComplete") {
      this.#connection.noteProgress();
      this.#runs.take(notification.params);
    } else this.#runs.publish(notification);
  }
}

function initializeParams(options: ClientOptions, clientId: string): ParamsInput<"initialize"> {
  const params: ParamsInput<"initialize"> = {
    protocolVersion,
    clientId,
    clientInfo: options.clientInfo ?? { name: "turnwire-client" },
    capabilities: {
      requestPermission: options.requestPermission ?? true,
      requestInput: options.requestInput ?? true,
    },
  };
  if (options.ackTimeoutMs !== undefined) params.ackTimeoutMs = options.ackTimeoutMs;
  if (options.optOutNotifications !== undefined) {
    params.optOutNotifications = options.optOutNotifications;
  }
  return params;
}

/** An exception that the caller's own handler threw is the caller's to see. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
