// What the coordinator needs from outside: who runs a turn, and who is told.
import type {
  ChildSession,
  HistoryMessage,
  Prompt,
  TurnOutcome,
  TurnSink,
} from "../agent/ports.js";
import type { LossyEvent, PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";

export type { PromptAttachment, TurnOutcome } from "../agent/ports.js";

/** Tells what may be lost. Never waits, never throws. */
export interface Announcer {
  emit(event: LossyEvent): void;
}

/** A turn that is about to run, as its engine sees it. */
export interface TurnRequest {
  readonly sessionId: string;
  readonly prompt: Prompt;
  /** The session's messages, from its summary on. */
  readonly history: readonly HistoryMessage[];
  readonly sink: TurnSink;
  readonly signal: AbortSignal;
  /** Opens a session for a part of this turn that is worked on apart (a sub-task). */
  openChild(title: string): ChildSession;
  /**
   * Asks whoever sent the prompt. Resolves with undefined where nobody can answer; rejects with the
   * signal's reason when the turn is cancelled.
   */
  ask(
    question: Omit<PermissionQuestion, "permissionId" | "workspaceId" | "sessionId" | "runId">,
    signal: AbortSignal,
  ): Promise<PermissionAnswer | undefined>;
}

/** A model, its tools and its limits, made ready for one turn. */
export interface PreparedTurn {
  /** Runs a prompt to its end. Throws only what is unexpected. */
  run(request: TurnRequest): Promise<TurnOutcome>;
  /** Summarises the history. Throws only what is unexpected. */
  summarize(request: Omit<TurnRequest, "prompt">): Promise<TurnOutcome>;
  /** A title for a session that begins with `prompt`; undefined where the model gives none. */
  title(
    prompt: string,
    sink: Pick<TurnSink, "addUsage">,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

/** Makes turns ready for a workspace. */
export interface TurnEngine {
  /**
   * Reads the configuration and loads the model: the slow work that comes after acceptance. Throws
   * a `DomainError` where the run can't begin.
   */
  prepare(signal: AbortSignal): Promise<PreparedTurn>;
  /** Forgets what was kept for a session. */
  forgetSession(sessionId: string): Promise<void>;
}

/** Asks the client that sent a prompt. */
export interface QuestionDesk {
  /** Resolves with undefined where no client can answer. */
  ask(
    clientId: string,
    question: PermissionQuestion,
    signal: AbortSignal,
  ): Promise<PermissionAnswer | undefined>;
}
