/**
 * A client of a Turnwire server: starts one, or attaches to one, and speaks the protocol with types
 * that come from the same declarations (`protocol.md`).
 */
import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "../base/clock.js";
import { randomIds } from "../base/ids.js";
import { silentLog } from "../base/log.js";
import { within } from "../base/within.js";
import type {
  LossyEvent,
  MethodName,
  NotificationName,
  ParamsInput,
  Result,
} from "../protocol/registry.js";
import { type ClientApi, createApi } from "./api.js";
import {
  type AttachOptions,
  type ClientOptions,
  checkAttachOptions,
  checkSpawnOptions,
  initializeParams,
  type SpawnOptions,
} from "./clientOptions.js";
import { Connection } from "./connection.js";
import { answerInput, type InputHandler } from "./inputs.js";
import type { ServerNotification } from "./link.js";
import { answerPermission, type PermissionHandler } from "./permissions.js";
import type { Run } from "./run.js";
import { type CompletionHandler, type RunOptions, Runs } from "./runs.js";
import { attachedEndpoint, type Endpoint, startServer } from "./serverProcess.js";
import { type ClientState, StateChanges, type StateHandler } from "./stateChanges.js";
import type { StopListening } from "./stopListening.js";
import { type EventsOptions, type NotificationHandler, Subscriptions } from "./subscriptions.js";
import { definitionsOf, type OwnTool, OwnTools } from "./tools.js";

/** A client. `await using` closes it where the runtime has that. */
export class TurnwireClient implements AsyncDisposable {
  /**
   * The methods of the protocol as functions, except `initialize` and `shutdown`, which the client
   * sends itself: `client.api.createSession({ workspaceId })`.
   */
  readonly api: ClientApi;
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;
  readonly #runs: Runs;
  readonly #states: StateChanges;
  readonly #clientId: string;
  readonly #clock: Clock;
  readonly #closeTimeoutMs: number;
  #closed: Promise<void> | undefined;
  #permissionHandler: PermissionHandler | undefined;
  #inputHandler: InputHandler | undefined;
  readonly #tools: OwnTools;

  private constructor(
    options: ClientOptions,
    connect: () => Promise<Endpoint>,
    canReconnect: boolean,
  ) {
    const reportError = options.onError ?? warn;
    this.#clientId = options.clientId ?? randomUUID();
    this.#clock = options.clock ?? systemClock;
    this.#closeTimeoutMs = options.closeTimeoutMs ?? 10_000;
    this.#permissionHandler = options.onPermission;
    this.#inputHandler = options.onInput;
    this.#tools = new OwnTools(options.tools);
    this.#subscriptions = new Subscriptions(reportError);
    this.#states = new StateChanges(reportError);
    if (options.onStateChange !== undefined) this.#states.on(options.onStateChange);
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
      onState: (state, error) => this.#states.change(state, error),
      onTool: (call, signal) => this.#tools.answer(call, signal),
      tools: () => this.#tools.definitions,
      files: options.files,
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
    checkSpawnOptions(options);
    const start = () => startServer(options, options.clock ?? systemClock);
    return TurnwireClient.#open(options, start, options.reconnect ?? true);
  }

  /** Initialises a server at the other end of streams; rejects as `spawn` does. */
  static async attach(options: AttachOptions): Promise<TurnwireClient> {
    checkAttachOptions(options);
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

  /** The state of the connection to the server now. */
  get state(): ClientState {
    return this.#states.now;
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
  ): Promise<Result<M>>;
  /** Sends a request of a method that the types do not know: one of a newer server, for example. */
  request(method: string, params?: object, signal?: AbortSignal): Promise<unknown>;
  request(method: string, params: object = {}, signal?: AbortSignal): Promise<unknown> {
    // What the types know is checked at the call; the server checks all of it.
    return this.#connection.request(method as MethodName, params as never, signal);
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
  run(options: RunOptions): Run {
    return this.#runs.run(options);
  }

  /** Calls `handler` for each notification of one name. Call the returned function to stop. */
  on<N extends NotificationName>(name: N, handler: NotificationHandler<N>): StopListening {
    return this.#subscriptions.on(name, handler);
  }

  /** Calls `handler` at each change of {@link TurnwireClient.state}. */
  onStateChange(handler: StateHandler): StopListening {
    return this.#states.on(handler);
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
   * Replaces the tools that this client gives the agent. They are offered to the runs that begin
   * from now on, and every server that replaces a lost one is told of them. Rejects with a
   * `TurnwireRpcError` for a bad set; the old one stays then.
   */
  async setTools(tools: readonly OwnTool[]): Promise<void> {
    await this.request("setTools", { tools: definitionsOf(tools) });
    this.#tools.set(tools);
  }

  /**
   * Gives `handler` every completion that no `run` waits for: one at a time, in order, those of
   * earlier connections first. Each is acknowledged when the handler is done with it. There is only
   * one such handler; call the returned function to remove it.
   */
  onCompletion(handler: CompletionHandler): StopListening {
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

  /** Closes the client, at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Lets this program end although the client is open. The server then ends as it does when its
   * client has gone: its running turns are cancelled, and their completions wait for the `clientId`.
   */
  unref(): void {
    this.#connection.unref();
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

/** The caller is told of what its own handler threw, and nothing ends because of it. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
