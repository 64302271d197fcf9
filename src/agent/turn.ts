// The input of a turn; see `runTurn`.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import type { Clock } from "../base/clock.js";
import type { EditorFiles } from "../base/editorFiles.js";
import type { FileKeeper } from "../base/fileKeeper.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { ToolMemory } from "../base/toolMemory.js";
import type { Limits } from "../config/types.js";
import type {
  BegunTurn,
  Circumstances,
  HistoryMessage,
  Prompt,
  TurnSink,
} from "../engine/engine.js";
import type { Permissions } from "../permissions/types.js";
import type { ModelInfo, SelectedModel } from "../protocol/objects/model.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";
import type { Tool } from "../tools/tool.js";
import type { FinalOutput } from "./finalOutput.js";
import type { TurnFailure } from "./outcome.js";
import type { RunBudget } from "./runBudget.js";

/** The model of a turn: its data, how it was chosen, and how to load it. */
export interface TurnModel {
  readonly info: ModelInfo;
  readonly selected: SelectedModel;
  /**
   * Loads the model. Called once, inside the turn, so that a cancel can stop it. If it rejects, the
   * turn fails.
   */
  load(): Promise<LanguageModelV3>;
  /**
   * The provider has named how many tokens fit. If that is less, `info` has this number from now
   * on.
   */
  learnWindow?(tokens: number): void;
}

/** What every model call needs. */
export interface CallerInput {
  /** The session's messages, from its summary on if it has one; without the new prompt. */
  readonly history: readonly HistoryMessage[];
  readonly model: TurnModel;
  readonly limits: Limits;
  /** What the run may use; its `limits.maxSteps` alone unless given. */
  readonly budget?: RunBudget;
  readonly signal: AbortSignal;
  /** From 0 up to 1, for the jitter of waits; `Math.random` unless given. */
  readonly random?: () => number;
}

/** What is needed to run a turn. */
export interface TurnInput extends CallerInput {
  readonly sessionId: string;
  readonly prompt: Prompt;
  /** The circumstances that the model is told with the prompt. */
  readonly circumstances?: Circumstances;
  readonly systemPrompt: string;
  readonly tools: readonly Tool[];
  /** Whether a tool is the model's to use at the moment; each is unless told. */
  isOffered?(tool: Tool): boolean;
  /** The workspace's real path. */
  readonly workspacePath: string;
  /** The environment of child processes: without keys. */
  readonly env: Readonly<Record<string, string>>;
  readonly permissions: Permissions;
  readonly autoSummarize: boolean;
  /** Why the run has no time left; undefined while it has. Then `signal` is aborted. */
  overTime?(): TurnFailure | undefined;
  /** The model that writes the turn's summaries; by default the turn's own model. */
  readonly summaryModel?: TurnModel;
  /** Keeps what files hold before the turn changes them. */
  readonly keeper?: FileKeeper;
  /** The files that the client has in its editor. */
  readonly files?: EditorFiles;
  /** Asks the user for input for a tool server; resolves with undefined if nobody can answer. */
  requestInput?(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
  /**
   * The expansion of a prompt's text that begins with a command; undefined if it has no command.
   */
  expand?(text: string): Promise<string | undefined>;
  /** The value that the run is to end with; absent if none is asked for. Its tool is in `tools`. */
  readonly output?: FinalOutput;
  /** Set if another server has begun the turn. */
  readonly begun?: BegunTurn;
  /** Aborted when no further model or tool call may begin. */
  readonly parking?: Pick<AbortSignal, "aborted">;
  /** Whether the run goes on after the loss of its server. */
  goesOn?(): boolean;
  /** What the tools remember of the session now; undefined if it is nothing. */
  memory?(): ToolMemory | undefined;
  /** How much of the run's time is used, in milliseconds. */
  usedMs?(): number;
  /** Called once, when the prompt is stored and before the first model call. */
  onBegin?(): void;
}

/** Time, ids and the log, for every part of the agent. */
export interface AgentSurroundings {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** The sink of a turn, its clock and its log. */
export interface TurnPorts extends AgentSurroundings {
  readonly sink: TurnSink;
}
