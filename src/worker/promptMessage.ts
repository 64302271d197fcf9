// A prompt as it stands in a work queue (docs/fleet.md).
import * as z from "zod";
import { isTextNestedDeeper } from "../base/jsonDepth.js";
import { stricterMode } from "../base/stricterMode.js";
import { ownId } from "../protocol/objects/ids.js";
import { promptText } from "../protocol/objects/prompt.js";
import { RunOptions } from "../protocol/objects/runOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** The longest `runId`: the session's id may be made of it. */
const longestRunId = 190;

/** A member that is not known here might have narrowed the run: such a message is refused. */
function knownOptions() {
  const { shape } = RunOptions();
  const tools = shape.tools.unwrap().strict().optional();
  return z.strictObject({ ...shape, tools, limits: shape.limits.unwrap().strict().optional() });
}

const PromptMessage = z.strictObject({
  runId: ownId("The run's id.").max(longestRunId),
  workspace: z.string().min(1).max(200),
  session: ownId("The session's id.").optional(),
  prompt: promptText().min(1),
  options: knownOptions().optional(),
});

/** A prompt of a work queue. */
export type PromptMessage = z.output<typeof PromptMessage>;

/** A message that no worker can ever run. What it says is fit for a log. */
export class RefusedMessage extends Error {
  override readonly name = "RefusedMessage";
}

/**
 * Reads a message. Its options may only narrow what the worker allows.
 *
 * @throws RefusedMessage if it is malformed, or wants more than `mode`.
 */
export function readPrompt(text: string, mode: PermissionMode): PromptMessage {
  const parsed = parse(text);
  const checked = PromptMessage.safeParse(parsed);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new RefusedMessage(`${issue?.path.join(".") || "the message"}: ${issue?.message}`);
  }
  const wanted = checked.data.options?.permissionMode;
  if (wanted !== undefined && stricterMode(wanted, mode) !== wanted) {
    throw new RefusedMessage(`options.permissionMode: this worker allows ${mode} at most`);
  }
  return checked.data;
}

/** What can be told of a message that may be malformed. */
export function runIdIn(text: string): string | undefined {
  try {
    const { runId } = parse(text) as { runId?: unknown };
    return typeof runId === "string" && runId.length <= longestRunId ? runId : undefined;
  } catch {
    // It is not JSON, or not an object.
    return undefined;
  }
}

function parse(text: string): unknown {
  if (isTextNestedDeeper(text)) throw new RefusedMessage("the message is nested too deep");
  try {
    return JSON.parse(text);
  } catch {
    throw new RefusedMessage("the message is not JSON");
  }
}
