import type { JSONSchema7 } from "@ai-sdk/provider";
import type * as z from "zod";
import type { Permissions } from "../permissions/types.js";
import type { Todo } from "../protocol/objects/session.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";

/** What a tool gets beside its input. */
export interface ToolContext {
  /** The workspace's real path. */
  readonly workspacePath: string;
  readonly sessionId: string;
  readonly toolCallId: string;
  /** The environment of child processes: the server's without keys, and the workspace's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the turn is cancelled; the tool has ended, its children too, when it returns. */
  readonly signal: AbortSignal;
  readonly permissions: Permissions;
  /** Asks the user what a tool server wants to know; resolves with undefined where nobody can answer. */
  requestInput?(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
  /** Replaces the session's list of what is to do. */
  setTodos?(todos: readonly Todo[]): void;
  /** Streams output to the clients. The result replaces it. */
  onOutput(delta: string): void;
}

/** What a tool gives back to the model. */
export interface ToolResult {
  readonly output: string;
  readonly isError?: boolean;
  /** What changed in a file, as a unified diff. */
  readonly diff?: string;
  /** Set when permission was refused: counts towards `limits.maxDenials`. */
  readonly denied?: boolean;
}

/**
 * One thing that the model can do. `execute` asks `context.permissions` itself before it does harm;
 * it throws only what is unexpected, and the signal's reason when it is aborted.
 */
export interface Tool<Input = unknown> {
  readonly name: string;
  /**
   * Whether it changes nothing and runs no command. Calls of such tools in one reply run side by
   * side. A tool server says so of its own tools, and nobody checks it.
   */
  readonly readOnly?: boolean;
  /** The text that the model reads. */
  readonly description: string;
  readonly inputSchema: z.ZodType<Input>;
  /** What the model is told of the input, where that is more than `inputSchema` checks. */
  readonly jsonSchema?: JSONSchema7;
  execute(input: Input, context: ToolContext): Promise<ToolResult>;
}
