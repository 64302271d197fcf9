// A client's tool, as a tool for the model (protocol.md section 7, Tools of the client).
import { setImmediate } from "node:timers/promises";
import type { JSONSchema7 } from "@ai-sdk/provider";
import * as z from "zod";
import { toolTokens } from "../agent/tokenEstimate.js";
import { toolDefinitions } from "../agent/toolDefinitions.js";
import { defined } from "../base/defined.js";
import { withoutMiddle } from "../base/text.js";
import type { TurnTools } from "../base/turnTools.js";
import { fitSchema, shownText } from "../mcp/fitSchema.js";
import { requirePermission } from "../permissions/requirePermission.js";
import { defineTool } from "../tools/defineTool.js";
import type { Tool } from "../tools/tool.js";
import type { TurnRequest } from "./engine.js";

/** The same length as for results of other tools, in UTF-16 units. */
const mostCharacters = 50_000;
/** The longest diff that is stored and shown, in UTF-16 units. */
const mostDiff = 100_000;

/** Only the client knows the dialect of its schema, so the client checks the input. */
const inputSchema = z.record(z.string(), z.unknown());

/** How long the schemas of tools are worked on in one turn of the event loop, in milliseconds. */
const stepMs = 8;

/**
 * The tools of the client that are offered in a turn. Their schemas may have some megabytes together, so
 * they are made ready in steps; a later turn finds that done.
 */
export async function clientTools(
  { clientTools: offered }: Pick<TurnRequest, "clientTools">,
  toolSeconds: number,
): Promise<Tool[]> {
  if (offered === undefined) return [];
  const tools: Tool[] = [];
  let stepEndsAt = performance.now() + stepMs;
  for (const one of offered.tools) {
    if (performance.now() >= stepEndsAt) {
      await setImmediate();
      stepEndsAt = performance.now() + stepMs;
    }
    const tool = clientTool(one, (call, signal) => offered.call(call, toolSeconds * 1000, signal));
    toolTokens(toolDefinitions([tool]));
    tools.push(tool);
  }
  return tools;
}

/** The schemas as providers take them, by those of the clients. */
const fitted = new WeakMap<object, JSONSchema7>();

function fittedSchema(schema: OneTool["inputSchema"]): JSONSchema7 {
  // Some providers refuse an object without properties.
  const fit = fitted.get(schema) ?? { properties: {}, ...fitSchema(schema) };
  fitted.set(schema, fit);
  return fit;
}

type OneTool = TurnTools["tools"][number];
type Call = (
  call: Parameters<TurnTools["call"]>[0],
  signal: AbortSignal,
) => ReturnType<TurnTools["call"]>;

function clientTool({ name, description, inputSchema: schema, readOnly }: OneTool, call: Call) {
  return defineTool<Record<string, unknown>>({
    name,
    readOnly: readOnly === true,
    description,
    inputSchema,
    jsonSchema: fittedSchema(schema),
    async execute(input, context) {
      await requirePermission(context, {
        tool: name,
        action: readOnly === true ? "read" : "execute",
        description: `Use "${shownText(name)}" of the client`,
        subject: { kind: "tool", value: name },
        input,
        asksNothing: true,
      });
      context.signal.throwIfAborted();
      const { toolCallId, signal } = context;
      const answer = await call({ toolCallId, name, input }, signal);
      signal.throwIfAborted();
      const { output, isError, diff } = answer;
      return {
        output: withoutMiddle(output.trim() === "" ? "(no output)" : output, mostCharacters),
        ...defined({
          isError: isError || undefined,
          diff: diff !== undefined && diff.length <= mostDiff ? diff : undefined,
        }),
      };
    },
  });
}
