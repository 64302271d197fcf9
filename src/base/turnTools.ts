/** A tool that a client has (protocol.md section 7, Tools of the client). */
interface OfferedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly readOnly?: boolean | undefined;
}

/** A call of such a tool by the model. */
interface OfferedToolCall {
  readonly toolCallId: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** The result of a call. */
interface OfferedToolAnswer {
  readonly output: string;
  readonly isError?: boolean | undefined;
  readonly diff?: string | undefined;
}

/** The tools of a client, as they were when a turn began. */
export interface TurnTools<Call = OfferedToolCall> {
  readonly tools: readonly OfferedTool[];
  /**
   * Calls a tool, at most once. Each way to fail becomes an error result. Rejects only with the
   * signal's reason.
   *
   * @param timeoutMs how long the client may take.
   */
  call(call: Call, timeoutMs: number, signal: AbortSignal): Promise<OfferedToolAnswer>;
}
