// A tool server's tool, as a tool for the model.
import * as z from "zod";
import { cutText } from "../base/text.js";
import type { McpServer } from "../config/types.js";
import { requirePermission } from "../permissions/requirePermission.js";
import { defineTool } from "../tools/defineTool.js";
import type { Tool, ToolContext } from "../tools/tool.js";
import type { Asker } from "./elicitation.js";
import { fitSchema, shownText } from "./fitSchema.js";
import type { CallResult, ListedTool } from "./messages.js";
import { resultText } from "./resultText.js";
import { toolName } from "./toolName.js";

const longestDescription = 4_000;
const mostSchemaCharacters = 32_000;

/**
 * The limit for all schemas of a server together: more would block the event loop, and fill every
 * context window.
 */
const mostCharactersTogether = 1_000_000;

/** Only the server knows the dialect of its schema, so the server checks the input. */
const inputSchema = z.record(z.string(), z.unknown());

/**
 * The tool under its name here. Undefined if its schema is too long for a model, or if providers
 * refuse it. The tool asks before every call. What a server says about its tools (`readOnlyHint`)
 * is shown to the person, but it does not replace the question.
 */
function serverTool(
  { id: server, readOnly }: ToolsOwner,
  listed: ListedTool,
  call: CallTool,
): Tool | undefined {
  const isReadOnly = Array.isArray(readOnly) ? readOnly.includes(listed.name) : readOnly === true;
  const schema = fitSchema(listed.inputSchema);
  if (schema === undefined) return undefined;
  if (JSON.stringify(schema).length > mostSchemaCharacters) return undefined;
  const name = toolName(server, listed.name);
  const title = shownText(listed.title ?? "");
  const shown = shownText(listed.name);
  const titled = title === "" || title === shown ? `"${shown}"` : `"${shown}" (${title})`;
  return defineTool<Record<string, unknown>>({
    name,
    readOnly: isReadOnly || listed.annotations?.readOnlyHint === true,
    description: cutText(
      listed.description?.trim() || listed.title || listed.name,
      longestDescription,
    ),
    inputSchema,
    // Some providers refuse an object without properties.
    jsonSchema: { properties: {}, ...schema },
    inPlan: isReadOnly,
    async execute(input, context) {
      await requirePermission(context, {
        tool: name,
        action: isReadOnly || listed.annotations?.readOnlyHint === true ? "read" : "execute",
        description: `Use ${titled} of the tool server "${server}"`,
        subject: { kind: "tool", value: name },
        // What a server says of itself is no reason to trust it.
        readOnly: isReadOnly,
        input,
      });
      context.signal.throwIfAborted();
      return resultText(await call(listed, input, askerOf(context), context.signal));
    },
  });
}

/** A server, as its tools need to know it. */
export interface ToolsOwner extends Pick<McpServer, "readOnly"> {
  readonly id: string;
}

/** Calls a tool of a server. */
type CallTool = (
  tool: ListedTool,
  input: object,
  asker: Asker,
  signal: AbortSignal,
) => Promise<CallResult>;

/**
 * The tools of a server, each as {@link serverTool} makes it. `leaveOut` is called for the others,
 * with the reason.
 */
export function serverTools(
  owner: ToolsOwner,
  listed: readonly ListedTool[],
  call: CallTool,
  leaveOut: (name: string, why: string) => void,
): Tool[] {
  let room = mostCharactersTogether;
  return listed.flatMap((one) => {
    room -= room < 0 ? 0 : (JSON.stringify(one.inputSchema ?? null)?.length ?? 0);
    const tool = room < 0 ? undefined : serverTool(owner, one, call);
    if (tool !== undefined) return [tool];
    const why = "providers would refuse its schema, or it is too long";
    leaveOut(shownText(one.name), room < 0 ? "the server's schemas are too long together" : why);
    return [];
  });
}

function askerOf(context: ToolContext): Asker {
  return {
    sessionId: context.sessionId,
    ask: async (question, signal) => context.requestInput?.(question, signal),
  };
}
