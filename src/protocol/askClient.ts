import type { PermissionAnswer, ToolQuestion } from "./registry.js";

/**
 * Asks the client that sent the prompt (protocol.md section 7). Resolves with undefined if nobody can
 * answer; rejects with the signal's reason once it is aborted. `anew` is called before the question
 * is put to a connection that comes later: it gives the question as it is then, or undefined if nobody
 * needs to be asked any more.
 */
export type AskClient = (
  question: ToolQuestion,
  signal: AbortSignal,
  anew?: () => Promise<ToolQuestion | undefined>,
) => Promise<PermissionAnswer | undefined>;
