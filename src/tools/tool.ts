import type { JSONSchema7 } from "@ai-sdk/provider";
import type * as z from "zod";
import type { EditorFiles } from "../base/editorFiles.js";
import type { FileKeeper } from "../base/fileKeeper.js";
import type { Log } from "../base/log.js";
import type { Permissions } from "../permissions/types.js";
import type { Todo } from "../protocol/objects/session.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";

/** What a tool gets in addition to its input. */
export interface ToolContext {
  /** The workspace's real path. */
  readonly workspacePath: string;
  readonly sessionId: string;
  readonly toolCallId: string;
  /** The environment of child processes: the server's without keys, and the workspace's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted when the turn is cancelled. When the tool returns, it and its children have ended. */
  readonly signal: AbortSignal;
  readonly permissions: Permissions;
  /** Asks the user for the input of a tool server; resolves with undefined if nobody can answer. */
  requestInput?(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
  /** Keeps what files hold before they are changed; without it nothing can be taken back. */
  readonly keeper?: FileKeeper;
  /** The files that the client has in its editor; without it, the disk alone counts. */
  readonly files?: EditorFiles;
  /** The log of the call's run. */
  readonly log?: Log;
  /** Replaces the session's list of tasks. */
  setTodos?(todos: readonly Todo[]): void;
  /** Streams output to the clients. The result replaces it. */
  onOutput(delta: string): void;
}

/** An image that a tool gives to the model. Who makes one has compared its bytes with its type. */
export interface ToolImage {
  readonly name: string;
  readonly mimeType: string;
  readonly data: Uint8Array;
}

/** What a tool gives back to the model. */
export interface ToolResult {
  readonly output: string;
  readonly isError?: boolean;
  /** What it shows beside the text; a model that takes no images gets a note instead. */
  readonly images?: readonly ToolImage[];
  /** What changed in a file, as a unified diff. */
  readonly diff?: string;
  /** Set when permission was refused: counts towards `limits.maxDenials`. */
  readonly denied?: boolean;
}

/**
 * One thing that the model can do. Before it does anything that can harm, `execute` itself asks
 * `context.permissions`. It throws only unexpected errors, and the signal's reason when it is
 * aborted.
 */
export interface Tool<Input = unknown> {
  readonly name: string;
  /**
   * Whether it changes nothing and runs no command. Calls of such tools in one reply run at the
   * same time. For a tool server's tools, the server says so, and nobody checks it.
   */
  readonly readOnly?: boolean;
  /** Whether it is used in the mode `plan`. As `readOnly` unless told. */
  readonly inPlan?: boolean;
  /** The text that the model reads. */
  readonly description: string;
  readonly inputSchema: z.ZodType<Input>;
  /** The schema of the input for the model, if it says more than `inputSchema` checks. */
  readonly jsonSchema?: JSONSchema7;
  /** Whether its input is taken as the model has written it: no part of it is given another type. */
  readonly takenAsWritten?: boolean;
  execute(input: Input, context: ToolContext): Promise<ToolResult>;
}
