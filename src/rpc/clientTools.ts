// The tools of clients (protocol.md section 7, Tools of the client): which of them a turn gets, and
// which connection is asked when the model calls one.
import type { MessageConnection } from "vscode-jsonrpc/node";
import type { Clock } from "../base/clock.js";
import { type Log, logAbout } from "../base/log.js";
import { cutText } from "../base/text.js";
import type { TurnTools } from "../base/turnTools.js";
import type { ClientTool } from "../protocol/objects/clientTool.js";
import { serverMethods, type ToolCallAnswer, type ToolCallRequest } from "../protocol/registry.js";
import { requestClient } from "./clientRequest.js";

/** A connection whose client may have tools. */
export interface ToolConnection {
  readonly connection: MessageConnection;
  /** Whether the connection belongs to this client. */
  isOf(clientId: string): boolean;
}

/** The tools of one connection. */
export interface OwnTools {
  /** Replaces them. */
  set(tools: readonly ClientTool[]): void;
  /** Those of a client, of all its connections. */
  offered(clientId: string): readonly ClientTool[];
  /** The client has gone. */
  remove(): void;
}

interface Holder extends ToolConnection {
  tools: ReadonlyMap<string, ClientTool>;
  readonly left: AbortController;
}

/** How long a call waits for its client to come back, in milliseconds. */
const reconnectMs = 10_000;
/** The longest part of a client's error that the model gets, in UTF-16 units. */
const mostErrorText = 2_000;

/** The tools of every connection. */
export class ClientTools {
  readonly #clock: Clock;
  readonly #log: Log;
  /** In the order of connecting. */
  readonly #holders = new Set<Holder>();
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Makes a connection known; it has no tools yet. */
  add({ connection, isOf }: ToolConnection): OwnTools {
    const holder: Holder = { connection, isOf, tools: new Map(), left: new AbortController() };
    this.#holders.add(holder);
    return {
      set: (tools) => {
        holder.tools = new Map(tools.map((tool) => [tool.name, tool]));
        for (const look of [...this.#waiting]) look();
      },
      offered: (clientId) => this.#toolsOf(clientId).map(({ tool }) => tool),
      remove: () => {
        this.#holders.delete(holder);
        holder.left.abort();
      },
    };
  }

  /**
   * The tools of a client as they are now, for one turn. If two connections have a tool with the same
   * name, the newest connection's is used.
   */
  offered(clientId: string): TurnTools<ToolCallRequest> {
    const all = this.#toolsOf(clientId);
    const tools = new Map(all.map((one) => [one.tool.name, one]));
    return {
      tools: all.map(({ tool }) => tool),
      call: (call, timeoutMs, signal) =>
        this.#call(
          () => this.#holderOf(clientId, call.name, tools.get(call.name)?.holders ?? []),
          call,
          timeoutMs,
          signal,
        ),
    };
  }

  /** The tools of a client, each with the connections that have it, the newest first. */
  #toolsOf(clientId: string): { readonly tool: ClientTool; readonly holders: Holder[] }[] {
    const tools = new Map<string, { readonly tool: ClientTool; readonly holders: Holder[] }>();
    for (const holder of this.#newestFirst(clientId)) {
      for (const [name, tool] of holder.tools) {
        const known = tools.get(name);
        if (known === undefined) tools.set(name, { tool, holders: [holder] });
        else known.holders.push(holder);
      }
    }
    return [...tools.values()];
  }

  #newestFirst(clientId: string): Holder[] {
    return [...this.#holders].reverse().filter((holder) => holder.isOf(clientId));
  }

  /** The connection that has a tool now. If none has it, the one that had it when the turn began. */
  #holderOf(clientId: string, name: string, earlier: readonly Holder[]): Holder | undefined {
    const now = this.#newestFirst(clientId).find(({ tools }) => tools.has(name));
    return now ?? earlier.find((holder) => this.#holders.has(holder));
  }

  async #call(
    find: () => Holder | undefined,
    call: ToolCallRequest,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ToolCallAnswer> {
    signal.throwIfAborted();
    const holder = find() ?? (await this.#return(find, signal));
    if (holder === undefined) {
      return failed(
        `The client that has the tool "${call.name}" has gone and did not come back within ${reconnectMs / 1000} seconds. The tool was not run.`,
      );
    }
    const reached = { connection: holder.connection, gone: holder.left.signal };
    const within = { signal, timeoutMs, clock: this.#clock };
    const answer = await requestClient(reached, "callTool", call, within);
    switch (answer.kind) {
      case "result":
        return this.#parse(call, answer.result);
      case "error":
        return failed(`The client could not run it: ${cutText(answer.message, mostErrorText)}`);
      case "silent":
        return failed(
          `The client gave no answer within ${timeoutMs / 1000} seconds, so the call was withdrawn. What it has done is not known.`,
        );
      case "gone":
        return failed(
          "The client went away while the tool ran. It may have done its work, or a part of it. It was not called again.",
        );
    }
  }

  #parse(call: ToolCallRequest, result: unknown): ToolCallAnswer {
    const parsed = serverMethods.callTool.result().safeParse(result);
    if (parsed.success) return parsed.data;
    logAbout(this.#log, call).warn({ tool: call.name }, "a client's tool gave a malformed answer");
    return failed(
      "The client answered with something that is no tool's result. What the tool has done is not known.",
    );
  }

  /** Waits until a client with the tool connects. */
  #return(find: () => Holder | undefined, signal: AbortSignal): Promise<Holder | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        timer.cancel();
        this.#waiting.delete(look);
        signal.removeEventListener("abort", onAbort);
        then();
      };
      const look = () => {
        const holder = find();
        if (holder !== undefined) settle(() => resolve(holder));
      };
      const onAbort = () => settle(() => reject(signal.reason));
      const timer = this.#clock.after(reconnectMs, () => settle(() => resolve(undefined)));
      this.#waiting.add(look);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }
}

function failed(output: string): ToolCallAnswer {
  return { output, isError: true };
}
