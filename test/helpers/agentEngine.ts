// An engine whose turns are the real agent's. The model, the permissions and the tool `write` wait at
// gates that the test opens; a tool's effects are counted over all servers.
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
} from "@ai-sdk/provider";
import { RunBudget } from "../../src/agent/runBudget.js";
import { runTurn } from "../../src/agent/runTurn.js";
import { Deferred } from "../../src/base/deferred.js";
import { defined } from "../../src/base/defined.js";
import { silentLog } from "../../src/base/log.js";
import type { Turn, TurnOutcome, TurnRequest } from "../../src/engine/engine.js";
import type { EngineSetup } from "../../src/engine/setup.js";
import type { Permissions } from "../../src/permissions/types.js";
import type { Tool, ToolContext } from "../../src/tools/tool.js";
import { fakeInfo, TestTurn, textTool } from "./agentTurn.js";
import { GatedEngine } from "./gatedEngine.js";
import type { CountingIds } from "./virtualScheduler.js";

/** A model call that has no end yet. */
export class GatedCall {
  readonly kind = "call";
  readonly sessionId: string;
  readonly options: LanguageModelV3CallOptions;
  readonly stream: ReadableStream<LanguageModelV3StreamPart>;
  #controller: ReadableStreamDefaultController<LanguageModelV3StreamPart> | undefined;

  constructor(sessionId: string, options: LanguageModelV3CallOptions, over: () => void) {
    this.sessionId = sessionId;
    this.options = options;
    this.stream = new ReadableStream<LanguageModelV3StreamPart>({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue({ type: "stream-start", warnings: [] });
      },
      cancel: over,
    });
    const { abortSignal } = options;
    const stop = () => {
      over();
      this.#controller?.error(abortSignal?.reason);
    };
    abortSignal?.addEventListener("abort", stop, { once: true });
  }

  /** Streams parts; the reply goes on. */
  send(...parts: readonly LanguageModelV3StreamPart[]): void {
    for (const part of parts) this.#controller?.enqueue(part);
  }

  /** The reply has no more. */
  end(): void {
    this.#controller?.close();
  }
}

/** A tool, or its permission, that waits. */
export interface GatedTool {
  /** What opening it does: answers the question, lets the effect happen, or ends the tool. */
  readonly kind: "permission" | "effect" | "result";
  readonly sessionId: string;
  readonly toolCallId: string;
  readonly gate: Deferred<boolean>;
}

export type Gate = GatedCall | GatedTool;

/** How often the effect of each tool call has happened, over all servers. */
export type Effects = Map<string, number>;

/** What an engine is made with. */
export interface AgentEngineOptions {
  readonly effects: Effects;
  readonly ids: CountingIds;
  /** The model of its turns; without it, its calls wait at gates. */
  readonly model?: LanguageModelV3;
  readonly info?: typeof fakeInfo;
  /** The most model calls of a turn. */
  readonly maxSteps?: number;
  readonly maxDenials?: number;
  /** Who decides about the permissions of a turn; without it, they wait at gates. */
  readonly permissionsOf?: (request: TurnRequest) => Permissions;
}

const limits = { providerIdleSeconds: 1e6, toolSeconds: 1e6 };

/** Runs turns with the real agent. */
export class AgentEngine extends GatedEngine {
  /** What waits now, in the order in which it came. */
  readonly gates = new Set<Gate>();
  readonly #options: AgentEngineOptions;

  constructor(options: AgentEngineOptions) {
    super();
    this.#options = options;
  }

  override async prepare(setup: EngineSetup): Promise<Turn> {
    this.setups.push(setup);
    return {
      canGoOn: true,
      run: (request) => this.#run(request),
      summarize: async () => ({ status: "failed", text: "" }),
      title: async () => undefined,
    };
  }

  #run(request: TurnRequest): Promise<TurnOutcome> {
    const {
      ids,
      info = fakeInfo,
      maxSteps = 1000,
      maxDenials = 1000,
      permissionsOf,
    } = this.#options;
    const { sessionId, prompt, history, signal, begun, parking, goesOn, sink } = request;
    const given = new TestTurn();
    const steps = { most: maxSteps, field: "limits.maxSteps" };
    const input = given.input(
      this.#model(sessionId),
      {
        sessionId,
        prompt,
        history,
        signal,
        ...defined({ begun, parking, goesOn }),
        tools: [this.#write(sessionId)],
        permissions: permissionsOf?.(request) ?? this.#permissions(sessionId),
        limits: { ...limits, maxSteps, maxDenials },
        budget: new RunBudget({ steps }, begun?.progress),
      },
      info,
    );
    return runTurn(input, { sink, clock: given.clock, ids, log: silentLog });
  }

  #model(sessionId: string): LanguageModelV3 {
    const { model } = this.#options;
    if (model !== undefined) return model;
    return {
      specificationVersion: "v3",
      provider: "fake",
      modelId: "fake-1",
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error("the agent streams")),
      doStream: async (options) => {
        const call: GatedCall = new GatedCall(sessionId, options, () => this.gates.delete(call));
        this.gates.add(call);
        return { stream: call.stream };
      },
    };
  }

  /** Ends a model call with these parts. */
  reply(call: GatedCall, ...parts: readonly LanguageModelV3StreamPart[]): void {
    this.gates.delete(call);
    call.send(...parts);
    call.end();
  }

  /** Opens the gate of a tool. */
  open(gate: GatedTool, answer = true): void {
    this.gates.delete(gate);
    gate.gate.resolve(answer);
  }

  async #wait(waiting: Omit<GatedTool, "gate">, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const gated = { ...waiting, gate: new Deferred<boolean>() };
    this.gates.add(gated);
    const stop = () => {
      this.gates.delete(gated);
      gated.gate.reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await gated.gate.promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #permissions(sessionId: string): Permissions {
    return {
      check: async ({ toolCallId }, signal) => {
        const isAllowed = await this.#wait({ kind: "permission", sessionId, toolCallId }, signal);
        return isAllowed ? { allowed: true } : { allowed: false, message: "No." };
      },
    };
  }

  #write(sessionId: string): Tool {
    return textTool("write", (value, context) => this.#effect(sessionId, value, context));
  }

  async #effect(sessionId: string, value: string, context: ToolContext) {
    const { permissions, signal, toolCallId } = context;
    const need = { tool: "write", action: "write", description: "Write", input: {}, toolCallId };
    const subject = { kind: "path", value } as const;
    const verdict = await permissions.check({ ...need, subject }, signal);
    if (!verdict.allowed) return { output: verdict.message, isError: true, denied: true };
    await this.#wait({ kind: "effect", sessionId, toolCallId }, signal);
    const { effects } = this.#options;
    effects.set(toolCallId, (effects.get(toolCallId) ?? 0) + 1);
    await this.#wait({ kind: "result", sessionId, toolCallId }, signal);
    return { output: `wrote ${value}`, isError: false };
  }
}
