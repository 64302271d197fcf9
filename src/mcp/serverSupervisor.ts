// Keeps one tool server running: starts it, starts it again if it dies, and stops it.

import { afterAwake } from "../base/awakeTime.js";
import { waitAfter } from "../base/backOff.js";
import type { Timer } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { McpServer } from "../config/types.js";
import { ToolFailure } from "../tools/failure.js";
import type { Tool } from "../tools/tool.js";
import type { Asker } from "./elicitation.js";
import type { ListKind } from "./listing.js";
import type { CallResult, ListedTool } from "./messages.js";
import type { Connect, ServerConnection, ServerSurroundings } from "./serverConnection.js";
import { serverTools } from "./serverTool.js";

/** How long a server may take to start, in milliseconds. Some must be downloaded first. */
const startTimeoutMs = 60_000;
const retries = { firstMs: 1_000, mostMs: 300_000 };
/** A server that ran for this long was healthy; the next pause is the shortest again. */
const wellAfterMs = 60_000;
const mostLeftOut = 500;
const leftOutNames = {
  tools: "tool",
  prompts: "prompt",
  resources: "resource",
  resourceTemplates: "resource template",
} as const;

type State =
  | {
      readonly tag: "starting";
      readonly since: number;
      readonly abort: AbortController;
      readonly settled: Deferred<void>;
    }
  | { readonly tag: "ready"; readonly since: number; readonly connection: ServerConnection }
  | { readonly tag: "waiting"; readonly reason: string; readonly timer: Timer }
  | { readonly tag: "stopped" };

/** What a supervisor needs. */
export interface SupervisorOptions {
  readonly id: string;
  readonly server: McpServer;
  readonly surroundings: ServerSurroundings;
  readonly connect: Connect;
}

/** One configured server, from now until it is stopped. */
export class ServerSupervisor {
  readonly #options: SupervisorOptions;
  #state: State;
  #failures = 0;
  #tools: readonly Tool[] = [];
  /** The tools that are not used, each with the reason, for a person. */
  readonly #leftOut = new Set<string>();
  #closing: Promise<void> = Promise.resolve();
  /** All tasks that must end before the supervisor counts as stopped. */
  readonly #underWay = new Set<Promise<void>>();

  /** Starts at once, in the background. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#state = this.#start();
  }

  /** Its tools if it is ready, else none. */
  get tools(): readonly Tool[] {
    return this.#tools;
  }

  /** The connection while it is ready. */
  get connection(): ServerConnection | undefined {
    return this.#state.tag === "ready" ? this.#state.connection : undefined;
  }

  /** Messages for a person: that it does not run, or that tools are left out. */
  get warnings(): readonly string[] {
    const { id } = this.#options;
    if (this.#state.tag === "waiting") {
      return [`The tool server "${id}" does not run: ${this.#state.reason.replace(/\.$/, "")}.`];
    }
    if (this.#state.tag === "starting") return [`The tool server "${id}" is still starting.`];
    return [...this.#leftOut];
  }

  /** The beginning of the present start, and a promise for its end; undefined at other times. */
  get starting(): { readonly since: number; readonly settled: Promise<void> } | undefined {
    if (this.#state.tag !== "starting") return undefined;
    return { since: this.#state.since, settled: this.#state.settled.promise };
  }

  /** Ends the server; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { tag: "stopped" };
    this.#tools = [];
    if (state.tag === "starting") {
      state.abort.abort(new Error("the tool server was stopped"));
      state.settled.resolve();
    }
    if (state.tag === "waiting") state.timer.cancel();
    if (state.tag === "ready") this.#close(state.connection);
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  #start(): State {
    const { clock } = this.#options.surroundings;
    const abort = new AbortController();
    const state = {
      tag: "starting",
      since: clock.now(),
      abort,
      settled: new Deferred<void>(),
    } as const;
    this.#keep(this.#attempt(state));
    return state;
  }

  async #attempt(state: Extract<State, { tag: "starting" }>): Promise<void> {
    const { id, server, surroundings, connect } = this.#options;
    const tooLong = new Error(`it did not start within ${startTimeoutMs / 1000} seconds`);
    const timer = afterAwake(surroundings.clock, startTimeoutMs, () => state.abort.abort(tooLong));
    // The previous process may still hold something that this one needs, such as a port.
    await this.#closing;
    let lost: string | undefined;
    const hooks = {
      onToolsChanged: () => this.#takeTools(),
      onLeftOut: (kind: ListKind, name: string, why: string) => this.#leaveOut(kind, name, why),
      onEnded: (reason: string) => {
        lost = reason;
        this.#lost(reason);
      },
    };
    try {
      const connection = await connect(id, server, surroundings, hooks, state.abort.signal);
      if (this.#state !== state) {
        this.#close(connection);
        return;
      }
      this.#state = { tag: "ready", since: surroundings.clock.now(), connection };
      this.#takeTools();
      surroundings.log.info({ server: id, tools: this.#tools.length }, "a tool server is ready");
      // It may have ended while it was being connected.
      if (lost !== undefined) this.#lost(lost);
    } catch (error) {
      // If it was stopped meanwhile, the result of the attempt does not matter.
      if (this.#state === state) this.#retryLater(messageOf(error));
    } finally {
      timer.cancel();
      state.settled.resolve();
    }
  }

  #lost(reason: string): void {
    if (this.#state.tag !== "ready") return;
    const { connection, since } = this.#state;
    if (this.#options.surroundings.clock.now() - since >= wellAfterMs) this.#failures = 0;
    this.#close(connection);
    this.#retryLater(reason);
  }

  #retryLater(reason: string): void {
    const { id, surroundings } = this.#options;
    this.#failures++;
    const waitMs = waitAfter(this.#failures, retries);
    this.#tools = [];
    surroundings.log.warn(
      { server: id, reason, waitMs },
      "a tool server is down; it is started again",
    );
    const timer = surroundings.clock.after(waitMs, () => {
      this.#state = this.#start();
    });
    this.#state = { tag: "waiting", reason, timer };
  }

  #takeTools(): void {
    if (this.#state.tag !== "ready") return;
    const { id, server } = this.#options;
    const { tools } = this.#state.connection;
    this.#tools = serverTools(
      { id, ...defined({ readOnly: server.readOnly }) },
      tools,
      (...call) => this.#call(...call),
      (name, why) => this.#leaveOut("tools", name, why),
    );
  }

  /** Reports unused tools once: some servers list their tools again and again. */
  #leaveOut(kind: ListKind, name: string, why: string): void {
    const { id, surroundings } = this.#options;
    const one = leftOutNames[kind];
    const named = name === "" ? `A ${one}` : `The ${one} "${name}"`;
    const told = `${named} of the tool server "${id}" is left out: ${why}.`;
    if (this.#leftOut.has(told) || this.#leftOut.size >= mostLeftOut) return;
    this.#leftOut.add(told);
    surroundings.log.warn({ server: id, [one]: name, why }, `a ${one} is left out`);
  }

  async #call(
    tool: ListedTool,
    input: object,
    asker: Asker,
    signal: AbortSignal,
  ): Promise<CallResult> {
    const state = this.#state;
    if (state.tag === "ready") return state.connection.call(tool, input, asker, signal);
    const { id } = this.#options;
    if (state.tag === "stopped") {
      throw new ToolFailure(`The tool server "${id}" is no longer configured.`);
    }
    const why = state.tag === "waiting" ? ` (${state.reason})` : "";
    throw new ToolFailure(
      `The tool server "${id}" does not run${why}. It is being started again; go on without it, or try again later.`,
    );
  }

  #close(connection: ServerConnection): void {
    this.#closing = this.#keep(connection.close());
  }

  /** Waits for a task's end; a failure is logged. */
  #keep(task: Promise<void>): Promise<void> {
    const { id, surroundings } = this.#options;
    const kept = task
      .catch((error: unknown) =>
        surroundings.log.error(
          { server: id, error: messageOf(error) },
          "a tool server did not end",
        ),
      )
      .finally(() => this.#underWay.delete(kept));
    this.#underWay.add(kept);
    return kept;
  }
}
