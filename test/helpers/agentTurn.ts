// A turn of the agent, all set up, for tests that change one thing about it.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import { z } from "zod";
import { runTurn } from "../../src/agent/runTurn.js";
import type { TurnInput, TurnPorts } from "../../src/agent/turn.js";
import { silentLog } from "../../src/base/log.js";
import type { Prompt } from "../../src/engine/engine.js";
import type { Permissions } from "../../src/permissions/types.js";
import type { ModelInfo } from "../../src/protocol/objects/model.js";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/tool.js";
import { ManualClock } from "./manualClock.js";
import { MemorySink } from "./memorySink.js";

export const allowAll: Permissions = { check: async () => ({ allowed: true }) };

export const fakeInfo: ModelInfo = {
  id: "fake-1",
  provider: "fake",
  name: "Fake",
  canReason: false,
  supportsImages: false,
};

/** A prompt of words alone. */
export function prompt(text: string): Prompt {
  return { text, attachments: [] };
}

/** A tool whose input is `{text: string}`. */
export function textTool(
  name: string,
  execute: (text: string, context: ToolContext) => Promise<ToolResult> | ToolResult,
): Tool {
  const inputSchema = z.object({ text: z.string() });
  return {
    name,
    description: `The tool ${name}.`,
    inputSchema,
    async execute(input, context) {
      return execute(inputSchema.parse(input).text, context);
    },
  };
}

const longestPause = 150_000;

/** A turn's surroundings. */
export class TestTurn {
  readonly sink = new MemorySink();
  readonly clock = new ManualClock();
  readonly cancel = new AbortController();
  #nextId = 0;

  get ports(): TurnPorts {
    const ids = { next: (prefix: string) => `${prefix}-own-${++this.#nextId}` };
    return { sink: this.sink, clock: this.clock, ids, log: silentLog };
  }

  input(model: LanguageModelV3, change: Partial<TurnInput> = {}, info = fakeInfo): TurnInput {
    return {
      sessionId: "s1",
      prompt: prompt("hello"),
      history: [],
      systemPrompt: "You are a test.",
      model: {
        info,
        selected: { provider: info.provider, model: info.id },
        load: async () => model,
      },
      tools: [],
      workspacePath: "/workspace",
      env: {},
      limits: { maxSteps: 20, providerIdleSeconds: 300, maxDenials: 5, toolSeconds: 600 },
      permissions: allowAll,
      autoSummarize: false,
      signal: this.cancel.signal,
      random: () => 0,
      ...change,
    };
  }

  run(model: LanguageModelV3, change: Partial<TurnInput> = {}, info = fakeInfo) {
    return runTurn(this.input(model, change, info), this.ports);
  }

  /** Runs a turn whose pauses between tries are over at once. */
  async runThroughPauses(model: LanguageModelV3, change: Partial<TurnInput> = {}, info = fakeInfo) {
    const running = { isOver: false };
    const turn = this.run(model, change, info).finally(() => {
      running.isOver = true;
    });
    while (!running.isOver) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      // A pause between two tries is shorter than the silence that a model may keep.
      if (this.clock.nextDue <= longestPause) this.clock.advance(this.clock.nextDue);
    }
    return turn;
  }
}
