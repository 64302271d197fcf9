// What goes into a turn. Who runs one gives these; see `runTurn`.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { Limits } from "../config/types.js";
import type { Circumstances, HistoryMessage, Prompt, TurnSink } from "../engine/engine.js";
import type { Permissions } from "../permissions/types.js";
import type { ModelInfo, SelectedModel } from "../protocol/objects/model.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";
import type { Tool } from "../tools/tool.js";
import type { StepBudget } from "./stepBudget.js";

/** The model of a turn: what is known of it, how it was chosen, and how to get it. */
export interface TurnModel {
  readonly info: ModelInfo;
  readonly selected: SelectedModel;
  /** Called once, within the turn, so that a cancel reaches it. May reject; that fails the turn. */
  load(): Promise<LanguageModelV3>;
  /** Its provider has said how many tokens fit: `info` has it from now on, where that is less. */
  learnWindow?(tokens: number): void;
}

/** What a model call of any kind needs. */
export interface CallerInput {
  /** The session's messages, from its summary on if it has one; without the new prompt. */
  readonly history: readonly HistoryMessage[];
  readonly model: TurnModel;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** From 0 up to 1, for the jitter of waits; `Math.random` unless given. */
  readonly random?: () => number;
}

/** What a turn is run with. */
export interface TurnInput extends CallerInput {
  readonly sessionId: string;
  readonly prompt: Prompt;
  /** What the model is told along with the prompt. */
  readonly circumstances?: Circumstances;
  readonly systemPrompt: string;
  readonly tools: readonly Tool[];
  /** The workspace's real path. */
  readonly workspacePath: string;
  /** The environment of child processes: without keys. */
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: Permissions;
  readonly autoSummarize: boolean;
  /** The model calls of the run that the turn belongs to; its own `limits.maxSteps` unless given. */
  readonly steps?: StepBudget;
  /** What writes the turn's summaries; its own model unless given. */
  readonly summaryModel?: TurnModel;
  /** Asks the user what a tool server wants to know; resolves with undefined where nobody can answer. */
  requestInput?(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
  /** What a prompt's text stands for where it begins with a command; undefined where it has none. */
  expand?(text: string): Promise<string | undefined>;
  /** Called once, when the prompt is stored and before the first model call. */
  onBegin?(): void;
}

/** Time, ids and the log, as every part of the agent gets them. */
export interface AgentSurroundings {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Where a turn writes, and what it lives by. */
export interface TurnPorts extends AgentSurroundings {
  readonly sink: TurnSink;
}
