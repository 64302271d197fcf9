/**
 * A client's connection for its whole life: a link to one server at a time. If a server is lost
 * while somebody waits for something, the next one is started, gets the client's identity, and is
 * set up as the last one was.
 */
import { afterAwake } from "../base/awakeTime.js";
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";
import { within } from "../base/within.js";
import type { MethodName, ParamsInput, Result } from "../protocol/registry.js";
import type { Framing } from "../transport/framing.js";
import { ConnectionLostError, TurnwireRpcError } from "./errors.js";
import { type Link, type LinkOptions, openLink } from "./link.js";
import { OpenWorkspaces } from "./openWorkspaces.js";
import type { Endpoint } from "./serverProcess.js";
import type { ClientState } from "./stateChanges.js";

export interface ConnectionOptions
  extends Pick<LinkOptions, "onNotification" | "onPermission" | "onInput" | "onTool" | "files"> {
  /** The tools of the client; every server is told of them. */
  tools(): ParamsInput<"setTools">["tools"];
  /** Starts a server, or opens streams to one. */
  connect(): Promise<Endpoint>;
  readonly canReconnect: boolean;
  readonly framing: Framing;
  readonly initialize: ParamsInput<"initialize">;
  /** How long a server may take until it has answered `initialize`. */
  readonly startTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a lost server must be replaced at once, and not when the next request is made. */
  isNeeded(): boolean;
  /** Called when a new server has replaced a lost one. */
  onReconnected(): void;
  /** Called when the server is lost and is not replaced automatically. */
  onLost(error: ConnectionLostError): void;
  /** How it stands with the server has changed. */
  onState(state: ClientState, error?: ConnectionLostError): void;
  reportError(error: unknown): void;
}

interface Server {
  readonly endpoint: Endpoint;
  readonly link: Link;
}

type State =
  | { readonly kind: "connected"; readonly server: Server }
  | { readonly kind: "changing"; readonly done: Promise<void> }
  | { readonly kind: "lost"; readonly error: ConnectionLostError };

/** Waits between attempts to reconnect; there are as many attempts as entries. */
const reconnectDelaysMs = [0, 200, 400, 800, 1_600];
/** After this many losses without a completion in between, no server is started again. */
const mostLossesInARow = 5;
/** How long a process may take to end after its streams were closed. */
const endGraceMs = 5_000;

function tooLate(ms: number): string {
  return `the server did not answer \`initialize\` within ${ms / 1000} s and was ended`;
}

/** A client's connection. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #workspaces = new OpenWorkspaces();
  readonly #closing = new AbortController();
  #state: State = { kind: "lost", error: new ConnectionLostError("not connected") };
  #answer: Result<"initialize"> | undefined;
  #current: Endpoint | undefined;
  #lossesInARow = 0;
  #isKilled = false;
  #isUnref = false;
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The answer to `initialize` of the present server, or of the last one. */
  get answer(): Result<"initialize"> {
    if (this.#answer === undefined) throw new Error("not connected yet");
    return this.#answer;
  }

  /** Whether a lost server is replaced by a new one. */
  get willReconnect(): boolean {
    return this.#options.canReconnect && !this.#closing.signal.aborted;
  }

  /** Connects for the first time. Rejects with what went wrong, and leaves nothing behind. */
  async open(): Promise<void> {
    this.#options.onState("starting");
    try {
      await this.#connect();
    } catch (error) {
      this.#options.onState("gone", error instanceof ConnectionLostError ? error : undefined);
      throw error;
    }
  }

  /** Sends a request. If the server is lost, the next one is started first, if that is possible. */
  async request<M extends MethodName>(
    method: M,
    params: ParamsInput<M>,
    signal?: AbortSignal,
  ): Promise<Result<M>> {
    const server = await this.#server();
    const { link, endpoint } = server;
    try {
      const result = await link.request(method, params, signal);
      this.#workspaces.note(method, params, result);
      return result;
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      this.#onClosed(server);
      // How the server ended is known only when it has really ended.
      await this.#settled();
      throw endpoint.explain(error.message);
    }
  }

  /** Resolves when a server is connected; starts one if needed. */
  async reconnect(): Promise<void> {
    await this.#server();
  }

  /** A server that delivers completions does not die at every start, so the count begins again. */
  noteProgress(): void {
    this.#lossesInARow = 0;
  }

  /**
   * Sends `shutdown` and `exit`, and waits until the server is gone. It is killed if it does not
   * end by itself. Every further call gets the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Ends the server at once; `close` then has nothing left to wait for. */
  kill(): void {
    this.#isKilled = true;
    this.#closing.abort();
    this.#current?.kill();
  }

  /** The program may end although there is a connection; the same holds for the next server. */
  unref(): void {
    this.#isUnref = true;
    this.#current?.unref();
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    if (this.#state.kind === "changing") await this.#current?.end(endGraceMs);
    await this.#settled();
    if (this.#state.kind !== "connected") return;
    const { link, endpoint } = this.#state.server;
    const { clock, closeTimeoutMs } = this.#options;
    try {
      await within(clock, closeTimeoutMs, link.request("shutdown", {}));
      await link.notifyExit();
    } catch (error) {
      // The server may end before this request, or refuse it. It is ended below in any case.
      this.#options.log.debug({ error }, "the server did not take its leave");
    }
    await endpoint.end(endGraceMs);
    link.dispose();
    this.#lose(endpoint.explain("the client is closed"));
  }

  async #server(): Promise<Server> {
    for (;;) {
      if (this.#closing.signal.aborted) throw new ConnectionLostError("the client is closed");
      if (this.#state.kind === "connected") return this.#state.server;
      if (this.#state.kind === "lost") {
        if (!this.#options.canReconnect) throw this.#state.error;
        const { error } = this.#state;
        this.#change(() => this.#reconnect(error));
      }
      await this.#settled();
      if (this.#state.kind === "lost") throw this.#state.error;
    }
  }

  async #settled(): Promise<void> {
    while (this.#state.kind === "changing") await this.#state.done;
  }

  #change(run: () => Promise<void>): void {
    // `run` sets the state when it is done, so this state must be set before it begins.
    this.#state = { kind: "changing", done: Promise.resolve().then(run) };
  }

  #lose(error: ConnectionLostError): void {
    this.#state = { kind: "lost", error };
    this.#options.onLost(error);
    this.#options.onState("gone", error);
  }

  async #connect(): Promise<void> {
    const { initialize } = this.#options;
    const endpoint = await this.#options.connect();
    this.#current = endpoint;
    if (this.#isKilled) endpoint.kill();
    if (this.#isUnref) endpoint.unref();
    const link = openLink({
      ...this.#options,
      streams: endpoint.streams,
      longestMessage: () => this.#answer?.capabilities.maxMessageBytes,
    });
    let isLate = false;
    const { clock, startTimeoutMs } = this.#options;
    const timer = afterAwake(clock, startTimeoutMs, () => {
      isLate = true;
      endpoint.kill();
      link.dispose();
    });
    try {
      const params = { ...initialize, ...defined({ processId: endpoint.processId }) };
      const answer = await link.request("initialize", params);
      timer.cancel();
      await this.#restore(link);
      this.#answer = answer;
      const server = { endpoint, link };
      this.#state = { kind: "connected", server };
      this.#options.onState("connected");
      link.closed.then(() => this.#onClosed(server));
    } catch (error) {
      timer.cancel();
      link.dispose();
      await endpoint.end(endGraceMs);
      if (isLate) throw endpoint.explain(tooLate(startTimeoutMs), { isOurs: true });
      throw error instanceof ConnectionLostError ? endpoint.explain(error.message) : error;
    }
  }

  async #restore(link: Link): Promise<void> {
    const tools = this.#options.tools();
    if (tools.length > 0) await link.request("setTools", { tools });
    const setup = {
      createWorkspace: (params: ParamsInput<"createWorkspace">) =>
        link.request("createWorkspace", params),
      initAgent: (params: ParamsInput<"initAgent">) => link.request("initAgent", params),
      setModel: (params: ParamsInput<"setModel">) => link.request("setModel", params),
      setPermissionMode: (params: ParamsInput<"setPermissionMode">) =>
        link.request("setPermissionMode", params),
    };
    await this.#workspaces.restore(setup, this.#options.reportError);
  }

  #onClosed(server: Server): void {
    const isCurrent = this.#state.kind === "connected" && this.#state.server === server;
    if (isCurrent && this.#closed === undefined) this.#change(() => this.#afterLoss(server));
  }

  async #afterLoss({ link, endpoint }: Server): Promise<void> {
    link.dispose();
    await endpoint.end(endGraceMs);
    const error = endpoint.explain("the server closed the connection");
    if (this.willReconnect && this.#options.isNeeded()) await this.#reconnect(error);
    else this.#lose(error);
  }

  async #reconnect(lost: ConnectionLostError): Promise<void> {
    this.#lossesInARow++;
    let error = lost;
    this.#options.onState("restarting", lost);
    if (this.#lossesInARow > mostLossesInARow) {
      this.#lose(error);
      return;
    }
    for (const delayMs of reconnectDelaysMs) {
      try {
        if (delayMs > 0) await sleep(this.#options.clock, delayMs, this.#closing.signal);
        if (this.#closing.signal.aborted) break;
        await this.#connect();
        this.#options.onReconnected();
        return;
      } catch (failure) {
        if (this.#closing.signal.aborted) break;
        if (failure instanceof ConnectionLostError) error = failure;
        else
          error = new ConnectionLostError("the server could not be started again", {
            cause: failure,
          });
        // A server that answered with a refusal will refuse again.
        if (failure instanceof TurnwireRpcError) break;
      }
    }
    this.#lose(error);
  }
}
