// A connection to a tool server, over either transport: its tools, and calls to them. Loaded when the
// first server is configured: the protocol's package is large.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  type StreamableHTTPClientTransport,
  StreamableHTTPError,
} from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpError, ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { secretsOf } from "../base/redact.js";
import { untilAborted } from "../base/untilAborted.js";
import type { McpServer } from "../config/types.js";
import { ToolFailure } from "../tools/failure.js";
import { httpTransport } from "./httpTransport.js";
import { ListingPace } from "./listingPace.js";
import { CallResult, ListedTool, ToolPage } from "./messages.js";
import type { ConnectionHooks, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { ServerNotes } from "./serverNotes.js";
import { ServerProcess } from "./serverProcess.js";

/** How long one call of a tool may take. */
export const callTimeoutMs = 600_000;
/** How long a server that seems dead has to say that it is not. */
const pingMs = 5_000;
/** How long a server is told goodbye. */
const farewellMs = 1_000;
const mostPages = 50;
const mostTools = 200;

/** The package's own limits are longer than ours; these are told by the clock that is passed in. */
const noTimeout = 0x7fffffff;

/** Answers are not checked against a server's own schemas, which may be wrong or take for ever. */
const noValidation = {
  getValidator(): never {
    throw new Error("answers are not checked");
  },
};

/**
 * Connects to a server and lists its tools.
 *
 * @param signal ends the attempt; nothing of the server is left when this rejects.
 */
export async function connect(
  id: string,
  server: McpServer,
  surroundings: ServerSurroundings,
  hooks: ConnectionHooks,
  signal: AbortSignal,
): Promise<ServerConnection> {
  const secrets = secretsOf(undefined, "url" in server ? server.headers : server.env);
  const notes = new ServerNotes(id, secrets, surroundings.log);
  const transport =
    "url" in server
      ? httpTransport(server.url, server.headers)
      : serverProcess(server, surroundings, notes);
  const connection = new Connection(transport, notes, surroundings, hooks);
  try {
    await connection.open(signal);
    return connection;
  } catch (error) {
    const reason = connection.endReason ?? notes.clean(messageOf(error));
    await connection.close();
    throw new Error(reason, { cause: error });
  }
}

function serverProcess(
  { command, args, env: ownEnv }: Extract<McpServer, { command: string }>,
  { env, workspacePath, host, clock, confinement }: ServerSurroundings,
  notes: ServerNotes,
): ServerProcess {
  return new ServerProcess({
    command,
    args,
    env,
    ownEnv,
    workspacePath,
    host,
    notes,
    clock,
    ...defined({ confinement }),
  });
}

type Transport = ServerProcess | StreamableHTTPClientTransport;

class Connection implements ServerConnection {
  readonly #transport: Transport;
  readonly #client: Client;
  readonly #notes: ServerNotes;
  readonly #surroundings: ServerSurroundings;
  readonly #hooks: ConnectionHooks;
  #tools: readonly ListedTool[] = [];
  #listing: Promise<void> | undefined;
  #listAgain = false;
  readonly #pace: ListingPace;
  readonly #ending = new AbortController();
  #isOpen = false;
  #isChecking = false;
  #endReason: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    transport: Transport,
    notes: ServerNotes,
    surroundings: ServerSurroundings,
    hooks: ConnectionHooks,
  ) {
    this.#transport = transport;
    this.#notes = notes;
    this.#surroundings = surroundings;
    this.#hooks = hooks;
    this.#pace = new ListingPace(surroundings.clock);
    this.#client = new Client(
      { name: "turnwire", version: surroundings.version },
      { capabilities: {}, jsonSchemaValidator: noValidation },
    );
    this.#client.onerror = (error) => this.#trouble(error);
    this.#client.onclose = () => this.#ended();
    this.#client.setNotificationHandler(ToolListChangedNotificationSchema, () => this.#relist());
  }

  get tools(): readonly ListedTool[] {
    return this.#tools;
  }

  /** Why the server is gone, where it said so. */
  get endReason(): string | undefined {
    if (this.#endReason !== undefined) return this.#endReason;
    const reason = this.#transport instanceof ServerProcess ? this.#transport.reason : undefined;
    return reason === undefined ? undefined : this.#notes.clean(reason);
  }

  async open(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#client.connect(this.#transport, { timeout: noTimeout }), signal);
    this.#tools = await untilAborted(this.#list(), signal);
    signal.throwIfAborted();
    if (this.#closed !== undefined) throw new Error(this.endReason ?? "it ended");
    this.#isOpen = true;
  }

  async call(name: string, input: object, signal: AbortSignal): Promise<CallResult> {
    signal.throwIfAborted();
    const limit = new AbortController();
    const onAbort = () => limit.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = this.#surroundings.clock.after(callTimeoutMs, () =>
      limit.abort(new Error("the call took too long")),
    );
    try {
      return await this.#client.request(
        { method: "tools/call", params: { name, arguments: { ...input } } },
        CallResult,
        { signal: limit.signal, timeout: noTimeout },
      );
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted) {
        throw new ToolFailure(`It did not answer within ${callTimeoutMs / 1000} seconds.`);
      }
      throw new ToolFailure(this.endReason ?? this.#notes.clean(messageOf(error)), {
        cause: error,
      });
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Ends the connection, and a server that is a process; resolves when it is gone. */
  close(): Promise<void> {
    this.#isOpen = false;
    this.#ending.abort(new Error("the connection is closed"));
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (!(this.#transport instanceof ServerProcess)) await this.#sayGoodbye(this.#transport);
    await this.#transport.close();
  }

  /** Over HTTP nothing else tells a server that its session is over. */
  async #sayGoodbye(transport: StreamableHTTPClientTransport): Promise<void> {
    try {
      await this.#within(farewellMs, transport.terminateSession());
    } catch (error) {
      this.#notes.trouble(messageOf(error));
    }
  }

  async #list(): Promise<readonly ListedTool[]> {
    const found: ListedTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < mostPages && found.length <= mostTools; page++) {
      const { tools, nextCursor } = await this.#client.request(
        { method: "tools/list", params: cursor === undefined ? {} : { cursor } },
        ToolPage,
        { timeout: noTimeout },
      );
      for (const given of tools) {
        const { data, error } = ListedTool.safeParse(given);
        if (data !== undefined) found.push(data);
        else this.#notes.trouble(`a tool is left out: ${messageOf(error)}`);
      }
      if (nextCursor === undefined || nextCursor === cursor) break;
      cursor = nextCursor;
    }
    if (found.length > mostTools) this.#notes.trouble(`only the first ${mostTools} tools are used`);
    return found.slice(0, mostTools);
  }

  /** Lists the tools again; one that is told while this is under way makes it happen once more. */
  #relist(): void {
    this.#listAgain = true;
    this.#listing ??= this.#listWhileAsked().finally(() => {
      this.#listing = undefined;
    });
  }

  async #listWhileAsked(): Promise<void> {
    while (this.#listAgain) {
      try {
        await this.#pace.wait(this.#ending.signal);
        this.#listAgain = false;
        const tools = await this.#list();
        if (!this.#isOpen) return;
        this.#tools = tools;
        this.#hooks.onToolsChanged();
      } catch (error) {
        if (this.#ending.signal.aborted) return;
        this.#listAgain = false;
        this.#notes.trouble(`its tools could not be listed again: ${messageOf(error)}`);
      }
    }
  }

  #trouble(error: Error): void {
    this.#notes.trouble(messageOf(error));
    if (!this.#isOpen || this.#transport instanceof ServerProcess) return;
    const isForgotten = error instanceof StreamableHTTPError && error.code === 404;
    if (isForgotten) this.#lose("it knows the session no more");
    else if (!this.#isChecking) void this.#check();
  }

  /** Over HTTP a server's end is not told. Asks it whether it lives; rejects nothing. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    try {
      await this.#within(pingMs, this.#client.ping({ timeout: noTimeout }));
    } catch (error) {
      // Whoever answers at all, be it with an error, lives.
      if (!(error instanceof McpError)) this.#lose(this.#notes.clean(messageOf(error)));
    } finally {
      this.#isChecking = false;
    }
  }

  #lose(reason: string): void {
    if (!this.#isOpen) return;
    this.#endReason ??= reason;
    this.#transport.close().catch((error: unknown) => this.#notes.trouble(messageOf(error)));
  }

  #ended(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#hooks.onEnded(this.endReason ?? "the connection ended");
  }

  async #within<T>(ms: number, work: Promise<T>): Promise<T> {
    const limit = new AbortController();
    const tooLong = new Error(`it did not answer within ${ms} ms`);
    const timer = this.#surroundings.clock.after(ms, () => limit.abort(tooLong));
    try {
      return await untilAborted(work, limit.signal);
    } finally {
      timer.cancel();
    }
  }
}
