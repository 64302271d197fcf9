/** Assertions about a completion and a session. Their errors show the value that came. */
import { AssertionError } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { defined } from "../base/defined.js";
import type { Message } from "../protocol/objects/message.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { TestServer } from "./testServer.js";

/** @throws AssertionError unless the run succeeded, and has this text if one is given. */
export function assertSucceeded(completion: RunComplete, text?: string): void {
  assertEnded(completion, { status: "succeeded", ...defined({ text }) });
}

/** @throws AssertionError unless the completion has each of these members, with these values. */
export function assertEnded(completion: RunComplete, expected: Partial<RunComplete>): void {
  const seen: Readonly<Record<string, unknown>> = { ...completion };
  const wrong = Object.entries(expected).filter(
    ([name, value]) => !isDeepStrictEqual(seen[name], value),
  );
  if (wrong.length === 0) return;
  const names = wrong.map(([name]) => name);
  throw new AssertionError({
    message: `The run ended otherwise (${names.join(", ")}): ${JSON.stringify(completion, null, 2)}`,
    actual: Object.fromEntries(names.map((name) => [name, seen[name]])),
    expected: Object.fromEntries(wrong),
    operator: "assertEnded",
  });
}

/** @throws AssertionError if a completion of the client was not acknowledged. */
export async function assertNothingPending({ client }: TestServer): Promise<void> {
  const { completions } = await client.api.listPendingCompletions({});
  if (completions.length === 0) return;
  const ids = completions.map(({ completionId, runId }) => `${completionId} (${runId})`);
  throw new AssertionError({
    message: `Not acknowledged: ${ids.join(", ")}`,
    actual: ids,
    expected: [],
    operator: "assertNothingPending",
  });
}

/** A tool call as a session has it, with its result. */
export interface ToolCallSeen {
  readonly name: string;
  readonly input: unknown;
  readonly state: string;
  /** Undefined while the tool runs. */
  readonly output: string | undefined;
}

/** The tool calls of a session, in their order. */
export async function toolCallsOf(server: TestServer, sessionId: string): Promise<ToolCallSeen[]> {
  const messages: Message[] = [];
  let cursor: string | undefined;
  do {
    const { workspaceId, client } = server;
    const page = { workspaceId, sessionId, ...defined({ cursor }) };
    const listed = await client.api.listMessages(page);
    messages.push(...listed.messages);
    cursor = listed.nextCursor;
  } while (cursor !== undefined);
  const parts = messages.flatMap((message) => message.parts);
  const outputs = new Map(
    parts.flatMap((part) => (part.type === "toolResult" ? [[part.toolCallId, part.output]] : [])),
  );
  return parts.flatMap((part) => {
    if (part.type !== "toolCall") return [];
    const { name, input, state, toolCallId } = part;
    return [{ name, input, state, output: outputs.get(toolCallId) }];
  });
}
