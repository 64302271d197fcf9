// How far a turn has come. It is stored with each finished model call of a run that goes on after the
// loss of its server (protocol.md section 4, Going on after a loss).
import { defined } from "./defined.js";
import { isNestedDeeper } from "./jsonDepth.js";
import { isToolMemory, type ToolMemory } from "./toolMemory.js";

/** What a turn has used so far, its sub-tasks included, and which reply was the last whole one. */
export interface TurnProgress {
  /** Model calls without those that write summaries. */
  readonly steps: number;
  readonly costUsd: number;
  readonly tokens: number;
  /** The time that the turn has taken, without waiting for a person; in milliseconds. */
  readonly ms: number;
  /** Refused permissions. */
  readonly denials: number;
  /** The last reply that the model has finished, and why it ended; absent in a sub-task's report. */
  readonly reply?: { readonly messageId: string; readonly finish: string };
  /** What the tools remember, those calls included whose results are stored. */
  readonly memory?: ToolMemory;
}

/** The progress from its stored form; undefined if there is none, or if it is damaged. */
export function storedProgress(text: string | undefined): TurnProgress | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || isNestedDeeper(value)) return undefined;
    const told = value as Record<string, unknown>;
    const numbers = ["steps", "costUsd", "tokens", "ms", "denials"];
    const areNumbers = numbers.every((name) => Number.isFinite(told[name]));
    const { reply, memory, ...used } = told;
    if (!areNumbers || !(reply === undefined || isReply(reply))) return undefined;
    const shown = { ...used, ...defined({ reply }) } as unknown as TurnProgress;
    return isToolMemory(memory) ? { ...shown, memory } : shown;
  } catch {
    // What is no JSON is damaged: the turn goes on as if it had used nothing.
    return undefined;
  }
}

function isReply(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { messageId, finish } = value as Record<string, unknown>;
  return typeof messageId === "string" && typeof finish === "string";
}
