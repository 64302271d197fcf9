// A connection to a tool server, over either transport: its tools, and calls to them. Loaded when the
// first server is configured: the protocol's package is large.

import { SdkHttpError, type StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { secretsOf } from "../base/redact.js";
import { untilAborted } from "../base/untilAborted.js";
import type { McpServer } from "../config/types.js";
import { ToolFailure } from "../tools/failure.js";
import { httpTransport } from "./httpTransport.js";
import { listPages } from "./listing.js";
import { ListingPace } from "./listingPace.js";
import { type CallResult, ListedTool, readResult } from "./messages.js";
import { type Era, newVersion, ProtocolClient } from "./protocolClient.js";
import type { ConnectionHooks, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { faultText, hasAnswered, isUnclear, versionsOf } from "./serverFault.js";
import { ServerNotes } from "./serverNotes.js";
import { ServerProcess } from "./serverProcess.js";

/** How long one call of a tool may take. */
export const callTimeoutMs = 600_000;
/** How long a server that seems dead has to say that it is not. */
const pingMs = 5_000;
/** How long a server is told goodbye. */
const farewellMs = 1_000;
/**
 * Connects to a server and lists its tools. A server that cannot be asked which era it belongs to is
 * connected to once more, as what it then can be.
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
  let era: Era | undefined = "unknown";
  for (;;) {
    const transport =
      "url" in server
        ? httpTransport(server.url, server.headers)
        : serverProcess(server, surroundings, notes);
    const connection = new Connection(transport, era, notes, surroundings, hooks);
    try {
      await connection.open(signal);
      return connection;
    } catch (error) {
      const reason = signal.aborted ? messageOf(signal.reason) : connection.reasonOf(error);
      const hadEnded = connection.hasEnded;
      await connection.close();
      era = signal.aborted ? undefined : nextEra(era, error, hadEnded);
      if (era === undefined) throw new Error(reason, { cause: error });
      notes.trouble(`${reason}; it is tried as a server of the ${era} era`);
    }
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

/** What a server that could not be asked is tried as next; undefined where that would not help. */
function nextEra(era: Era, error: unknown, hasEnded: boolean): Era | undefined {
  if (era !== "unknown") return undefined;
  if (versionsOf(error)?.includes(newVersion)) return "new";
  // Some old programs end at a question that comes before the greeting.
  return hasEnded || isUnclear(error) ? "old" : undefined;
}

type Transport = ServerProcess | StreamableHTTPClientTransport;

class Connection implements ServerConnection {
  readonly #transport: Transport;
  readonly #client: ProtocolClient;
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
    era: Era,
    notes: ServerNotes,
    surroundings: ServerSurroundings,
    hooks: ConnectionHooks,
  ) {
    this.#transport = transport;
    this.#notes = notes;
    this.#surroundings = surroundings;
    this.#hooks = hooks;
    this.#pace = new ListingPace(surroundings.clock);
    this.#client = new ProtocolClient(transport, era, surroundings.version, {
      onTrouble: (error) => this.#trouble(error),
      onEnded: () => this.#ended(),
      onListChanged: () => this.#relist(),
    });
  }

  get tools(): readonly ListedTool[] {
    return this.#tools;
  }

  /** Whether it has ended by itself. */
  get hasEnded(): boolean {
    return this.#endReason !== undefined || this.#processReason !== undefined;
  }

  get #processReason(): string | undefined {
    return this.#transport instanceof ServerProcess ? this.#transport.endReason : undefined;
  }

  /** Why something has failed: what the server's end was due to, where it has ended by itself. */
  reasonOf(error: unknown): string {
    return this.#notes.clean(this.#endReason ?? this.#processReason ?? faultText(error));
  }

  async open(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#client.connect(), signal);
    this.#tools = await untilAborted(this.#list(), signal);
    signal.throwIfAborted();
    if (this.#closed !== undefined || this.hasEnded) throw new Error("it ended");
    this.#isOpen = true;
    this.#watch().catch((error: unknown) => this.#notes.trouble(messageOf(error)));
  }

  async call(tool: ListedTool, input: object, signal: AbortSignal): Promise<CallResult> {
    signal.throwIfAborted();
    const limit = new AbortController();
    const onAbort = () => limit.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = this.#surroundings.clock.after(callTimeoutMs, () =>
      limit.abort(new Error("the call took too long")),
    );
    try {
      return readResult(await this.#client.callTool(tool, input, limit.signal));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ToolFailure) throw error;
      if (limit.signal.aborted) {
        throw new ToolFailure(`It did not answer within ${callTimeoutMs / 1000} seconds.`);
      }
      throw new ToolFailure(this.reasonOf(error), { cause: error });
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
      this.#notes.trouble(faultText(error));
    }
  }

  async #list(): Promise<readonly ListedTool[]> {
    // A server may have resources or prompts alone.
    if (this.#client.capabilities.tools === undefined) return [];
    return listPages(this.#client, "tools", ListedTool, (name, why) =>
      this.#hooks.onLeftOut(name, this.#notes.clean(why)),
    );
  }

  /** Hears of changes as long as it is open, and lists again whenever some may not have been told. */
  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    const pace = new ListingPace(this.#surroundings.clock);
    while (this.#isOpen && (await this.#client.listen(signal)) && this.#isOpen) {
      try {
        await pace.wait(signal);
      } catch {
        return;
      }
      this.#relist();
    }
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
        this.#notes.trouble(`its tools could not be listed again: ${faultText(error)}`);
      }
    }
  }

  #trouble(error: Error): void {
    this.#notes.trouble(faultText(error));
    if (!this.#isOpen || this.#transport instanceof ServerProcess) return;
    const isForgotten = error instanceof SdkHttpError && error.data.status === 404;
    if (isForgotten) this.#lose("it knows the session no more");
    else if (!this.#isChecking) void this.#check();
  }

  /** Over HTTP a server's end is not told. Asks it whether it lives; rejects nothing. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    try {
      await this.#within(pingMs, this.#client.ping());
    } catch (error) {
      if (!hasAnswered(error)) this.#lose(this.#notes.clean(faultText(error)));
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
    this.#hooks.onEnded(this.reasonOf(new Error("the connection ended")));
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
