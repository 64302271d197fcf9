// A connection to a tool server, over either transport: its lists, and calls to it.

import { SdkHttpError, type StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import type * as z from "zod";
import { afterAwake } from "../base/awakeTime.js";
import { messageOf } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import { ToolFailure } from "../tools/failure.js";
import { CallLimit, callTimeoutMs } from "./callLimit.js";
import { type Asker, answerAll, elicit } from "./elicitation.js";
import { type ListKind, listPages } from "./listing.js";
import { ListingPace } from "./listingPace.js";
import { type CallResult, ListedPrompt, ListedTool, readResult } from "./messages.js";
import { type Era, ProtocolClient } from "./protocolClient.js";
import { loginText, needsLogin } from "./savedLogin.js";
import type { ConnectionHooks, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { faultText, hasAnswered } from "./serverFault.js";
import type { ServerNotes } from "./serverNotes.js";
import { ServerProcess } from "./serverProcess.js";

/** How long a server that seems dead has to answer a ping. */
const pingMs = 5_000;
/** How long ending the session with a server may take. */
const farewellMs = 1_000;
/** The transport of a connection. */
export type ServerTransport = ServerProcess | StreamableHTTPClientTransport;

/** One connected server, from its opening to its end. */
export class Connection implements ServerConnection {
  readonly #transport: ServerTransport;
  readonly #client: ProtocolClient;
  readonly #notes: ServerNotes;
  readonly #surroundings: ServerSurroundings;
  readonly #hooks: ConnectionHooks;
  #tools: readonly ListedTool[] = [];
  #prompts: readonly ListedPrompt[] = [];
  /** The askers of the calls that are under way. */
  readonly #askers = new Set<Asker>();
  #listing: Promise<void> | undefined;
  #listAgain = false;
  readonly #pace: ListingPace;
  readonly #ending = new AbortController();
  #isOpen = false;
  #isChecking = false;
  #endReason: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    transport: ServerTransport,
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
      onElicit: (params, signal) => elicit(notes.server, params, this.#asker(), signal),
    });
  }

  get tools(): readonly ListedTool[] {
    return this.#tools;
  }

  get prompts(): readonly ListedPrompt[] {
    return this.#prompts;
  }

  get hasResources(): boolean {
    return this.#client.capabilities.resources !== undefined;
  }

  /** Whether it has ended by itself. */
  get hasEnded(): boolean {
    return this.#endReason !== undefined || this.#processReason !== undefined;
  }

  get #processReason(): string | undefined {
    return this.#transport instanceof ServerProcess ? this.#transport.endReason : undefined;
  }

  /** Why something has failed. If the server has ended by itself, the reason of its end. */
  reasonOf(error: unknown): string {
    return this.#notes.clean(this.#endReason ?? this.#processReason ?? this.#fault(error));
  }

  #fault(error: unknown): string {
    const { loginName } = this.#surroundings;
    return loginName !== undefined && needsLogin(error) ? loginText(loginName) : faultText(error);
  }

  async open(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#client.connect(), signal);
    await untilAborted(this.#list(), signal);
    signal.throwIfAborted();
    if (this.#closed !== undefined || this.hasEnded) throw new Error("it ended");
    this.#isOpen = true;
    this.#watch().catch((error: unknown) => this.#notes.trouble(messageOf(error)));
  }

  async call(
    tool: ListedTool,
    input: object,
    asker: Asker,
    signal: AbortSignal,
  ): Promise<CallResult> {
    return this.#limited(signal, async (limit) => {
      const patient: Asker = {
        sessionId: asker.sessionId,
        ask: (question, asking) => limit.paused(() => asker.ask(question, asking)),
      };
      this.#askers.add(patient);
      try {
        const answers = (asked: unknown) =>
          answerAll(this.#notes.server, asked, patient, limit.signal);
        return readResult(await this.#client.callTool(tool, input, answers, limit.signal));
      } finally {
        this.#askers.delete(patient);
      }
    });
  }

  async list<T>(
    kind: "resources" | "resourceTemplates",
    entry: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    return this.#limited(signal, (limit) => this.#listOf(kind, entry, limit.signal));
  }

  ask(method: string, params: Record<string, unknown>, signal: AbortSignal): Promise<unknown> {
    return this.#limited(signal, (limit) => this.#client.request(method, params, limit.signal));
  }

  /** Sends a request within the time limit of a call. Failures become a {@link ToolFailure}. */
  async #limited<T>(signal: AbortSignal, work: (limit: CallLimit) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const limit = new CallLimit(this.#surroundings.clock, signal);
    try {
      return await work(limit);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ToolFailure) throw error;
      if (limit.signal.aborted) {
        throw new ToolFailure(`It did not answer within ${callTimeoutMs / 1000} seconds.`);
      }
      throw new ToolFailure(this.reasonOf(error), { cause: error });
    } finally {
      limit.end();
    }
  }

  /**
   * The user for a question of the old era, which does not say to which call it belongs: the one of
   * the calling session, if there is only one.
   */
  #asker(): Asker | undefined {
    const askers = [...this.#askers];
    const sessions = new Set(askers.map(({ sessionId }) => sessionId));
    return sessions.size === 1 ? askers.at(-1) : undefined;
  }

  /** Ends the connection, and the server if it is a process. Resolves when it is gone. */
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

  /** Over HTTP, only this tells a server that its session is over. */
  async #sayGoodbye(transport: StreamableHTTPClientTransport): Promise<void> {
    try {
      await this.#within(farewellMs, transport.terminateSession());
    } catch (error) {
      this.#notes.trouble(faultText(error));
    }
  }

  /** Lists its tools and prompts. A server may have one of them, or only resources. */
  async #list(): Promise<void> {
    const { tools, prompts } = this.#client.capabilities;
    const listedTools = tools === undefined ? [] : await this.#listOf("tools", ListedTool);
    this.#prompts = prompts === undefined ? [] : await this.#listPrompts();
    this.#tools = listedTools;
  }

  /** A server is useful even if its prompts cannot be listed. */
  async #listPrompts(): Promise<readonly ListedPrompt[]> {
    try {
      return await this.#listOf("prompts", ListedPrompt);
    } catch (error) {
      this.#notes.trouble(`its prompts could not be listed: ${faultText(error)}`);
      return [];
    }
  }

  #listOf<T>(kind: ListKind, entry: z.ZodType<T>, signal?: AbortSignal): Promise<readonly T[]> {
    const leaveOut = (name: string, why: string) =>
      this.#hooks.onLeftOut(kind, name, this.#notes.clean(why));
    return listPages(this.#client, kind, entry, leaveOut, signal);
  }

  /**
   * Receives changes while the connection is open. Lists again when some changes may have been
   * missed.
   */
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

  /** Lists the tools again. A change that is reported meanwhile makes it list once more. */
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
        await this.#list();
        if (!this.#isOpen) return;
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

  /** Over HTTP, the end of a server is not reported. This asks whether it lives. Never rejects. */
  async #check(): Promise<void> {
    this.#isChecking = true;
    try {
      await this.#within(pingMs, this.#client.ping());
    } catch (error) {
      if (!hasAnswered(error)) this.#lose(this.#notes.clean(this.#fault(error)));
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
    const timer = afterAwake(this.#surroundings.clock, ms, () => limit.abort(tooLong));
    try {
      return await untilAborted(work, limit.signal);
    } finally {
      timer.cancel();
    }
  }
}
