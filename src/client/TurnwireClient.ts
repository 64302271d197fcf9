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

/** The options of both ways to get a client. */
export interface ClientOptions
  extends Pick<
    ParamsInput<"initialize">,
    "clientId" | "clientInfo" | "ackTimeoutMs" | "optOutNotifications"
  > {
  /** How messages are separated; `ndjson` by default. */
  readonly framing?: Framing;
  /** Answers permission questions. Without it, they are denied until `onPermission` is called. */
  readonly onPermission?: PermissionHandler;
  /** Whether the server may ask at all. If not, what needs a question is denied at once. */
  readonly requestPermission?: boolean;
  /** Answers what tool servers want to know; without one, and until `onInput`, it is declined. */
  readonly onInput?: InputHandler;
  /** Whether the server may ask that at all; without, it is declined at once. */
  readonly requestInput?: boolean;
  /** Whether a lost server is started again; true by default. */
  readonly reconnect?: boolean;
  /** Aborting it gives up connecting. It has no effect once there is a client. */
  readonly signal?: AbortSignal;
  /**
   * How long a server may take from its start until it has answered `initialize`, in milliseconds;
   * 30 seconds by default. A slower server is ended, and the client rejects with that reason.
   */
  readonly startTimeoutMs?: number;
  /** How long `close` waits for running turns to end; 10 seconds by default. */
  readonly closeTimeoutMs?: number;
  /** Gets the errors that the caller's handlers throw; by default, they are uncaught. */
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
   * The methods of the protocol as functions, except `initialize` and `shutdown`, which the client
   * sends itself: `client.api.createSession({ workspaceId })`.
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
   * that contains the server's last output if it cannot be started, and with a `TurnwireRpcError`
   * if it refuses this client.
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

  /** This client's identity; the next client with it gets the completions that were missed. */
  get clientId(): string {
    return this.#clientId;
  }

  /** The server's answer to `initialize`. */
  get server(): Result<"initialize"> {
    return this.#connection.answer;
  }

  /**
   * Sends a request. Rejects with a `TurnwireRpcError` for an error that the server answered, and
   * with a `ConnectionLostError` if the server was lost before it answered. Aborting `signal` asks
   * the server to cancel the request; the promise still settles with the server's answer.
   */
  request<M extends MethodName>(
    method: M,
    params: ParamsInput<M>,
    signal?: AbortSignal,
  ): Promise<Result<M>> {
    return this.#connection.request(method, params, signal);
  }

  /**
   * Sends a prompt and resolves with its completion. It resolves however the run ends: look at the
   * `status`. The completion is acknowledged when `onComplete` is done.
   *
   * Aborting `signal` cancels the run. If the server dies, the next one is started and gets the
   * prompt again under the same `runId`. A prompt never runs twice: a run that was cut off resolves
   * as `interrupted`. It rejects if the prompt is not accepted, if `onComplete` throws, or if
   * `signal` was aborted before. It rejects with a `ConnectionLostError` if no server can be
   * started, or if the client is closed.
   */
  run(options: RunOptions): Promise<RunComplete> {
    return this.#runs.run(options);
  }

  /** Calls `handler` for each notification of one name. Call the returned function to stop. */
  on<N extends NotificationName>(name: N, handler: NotificationHandler<N>): () => void {
    return this.#subscriptions.on(name, handler);
  }

  /**
   * All events from now on, until the loop over them is left or the client is closed. For a slow
   * reader it keeps a bounded number; `eventsDropped` tells what was dropped.
   */
  events(options: EventsOptions = {}): AsyncIterableIterator<LossyEvent> {
    return this.#subscriptions.events(options);
  }

  /** Replaces the handler that answers permission questions. */
  onPermission(handler: PermissionHandler): void {
    this.#permissionHandler = handler;
  }

  /** Replaces what answers the questions of tool servers. */
  onInput(handler: InputHandler): void {
    this.#inputHandler = handler;
  }

  /**
   * Gives `handler` every completion that no `run` waits for: one at a time, in order, those of
   * earlier connections first. Each is acknowledged when the handler is done with it. There is only
   * one such handler; call the returned function to remove it.
   */
  onCompletion(handler: CompletionHandler): () => void {
    return this.#runs.onCompletion(handler);
  }

  /** Acknowledges completions that were received in another way, as with `on("runComplete", …)`. */
  acknowledge(completionIds: readonly string[]): Promise<Result<"acknowledge">> {
    return this.request("acknowledge", { completionIds: [...completionIds] });
  }

  /** Resolves when a server is connected. Starts one if the last one was lost. */
  reconnect(): Promise<void> {
    return this.#connection.reconnect();
  }

  /**
   * Ends the server in good order: cancels running turns, waits for the process, and kills it if it
   * does not end by itself. Streams of events end. A caller that still waits for a run gets a
   * rejection. It may be called twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Kills the server. Its running turns become `interrupted` when the next server starts. */
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

/** The caller must see an exception that its own handler threw. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
