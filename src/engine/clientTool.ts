// A client's tool, as a tool for the model (protocol.md section 7, Tools of the client).
import * as z from "zod";
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

/** The tools of the client that are offered in a turn. */
export function clientTools(
  { clientTools: offered }: Pick<TurnRequest, "clientTools">,
  toolSeconds: number,
): Tool[] {
  if (offered === undefined) return [];
  return offered.tools.map((tool) =>
    clientTool(tool, (call, signal) => offered.call(call, toolSeconds * 1000, signal)),
  );
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
    // Some providers refuse an object without properties.
    jsonSchema: { properties: {}, ...fitSchema(schema) },
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
