// What the coordinator needs from outside: who is told, and who is asked.
import type { LossyEvent, PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";

/** Tells what may be lost. Never waits, never throws. */
export interface Announcer {
  emit(event: LossyEvent): void;
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
