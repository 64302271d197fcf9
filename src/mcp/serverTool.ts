// A tool server's tool as the model has it.
import * as z from "zod";
import { cutText } from "../base/text.js";
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

/** More than this of a server's schemas together would hold the event loop, and fill any window. */
const mostCharactersTogether = 1_000_000;

/** Only the server knows its schema's dialect; it checks the input itself. */
const inputSchema = z.record(z.string(), z.unknown());

/**
 * The tool under its name here; undefined where its schema is longer than a model should be told, or
 * one that providers refuse. It
 * asks before every call: what a server says of its tools (`readOnlyHint`) is for the person who is
 * asked, and no reason not to.
 */
function serverTool(server: string, listed: ListedTool, call: CallTool): Tool | undefined {
  const schema = fitSchema(listed.inputSchema);
  if (schema === undefined) return undefined;
  if (JSON.stringify(schema).length > mostSchemaCharacters) return undefined;
  const name = toolName(server, listed.name);
  const title = shownText(listed.title ?? "");
  const shown = shownText(listed.name);
  const titled = title === "" || title === shown ? `"${shown}"` : `"${shown}" (${title})`;
  return defineTool<Record<string, unknown>>({
    name,
    readOnly: listed.annotations?.readOnlyHint === true,
    description: cutText(
      listed.description?.trim() || listed.title || listed.name,
      longestDescription,
    ),
    inputSchema,
    // Some providers refuse an object without properties.
    jsonSchema: { properties: {}, ...schema },
    async execute(input, context) {
      await requirePermission(context, {
        tool: name,
        action: listed.annotations?.readOnlyHint === true ? "read" : "execute",
        description: `Use ${titled} of the tool server "${server}"`,
        subject: { kind: "tool", value: name },
        input,
      });
      context.signal.throwIfAborted();
      return resultText(await call(listed, input, askerOf(context), context.signal));
    },
  });
}

/** Calls a tool of a server. */
type CallTool = (
  tool: ListedTool,
  input: object,
  asker: Asker,
  signal: AbortSignal,
) => Promise<CallResult>;

/**
 * The tools of a server, each as {@link serverTool} makes it. `leaveOut` hears of the others, with the
 * reason.
 */
export function serverTools(
  server: string,
  listed: readonly ListedTool[],
  call: CallTool,
  leaveOut: (name: string, why: string) => void,
): Tool[] {
  let room = mostCharactersTogether;
  return listed.flatMap((one) => {
    room -= room < 0 ? 0 : (JSON.stringify(one.inputSchema ?? null)?.length ?? 0);
    const tool = room < 0 ? undefined : serverTool(server, one, call);
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
