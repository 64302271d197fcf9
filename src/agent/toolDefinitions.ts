import type { JSONSchema7, LanguageModelV3FunctionTool } from "@ai-sdk/provider";
import * as z from "zod";
import type { Tool } from "../tools/tool.js";
import type { TurnInput } from "./turn.js";

type InputSchema = LanguageModelV3FunctionTool["inputSchema"];

/** Making a schema takes long, so it is kept: some tools are made again for each turn. */
const known = new WeakMap<object, InputSchema>();

/** The tools in the form for a model: name, description and the JSON Schema of the input. */
export function toolDefinitions(tools: readonly Tool[]): LanguageModelV3FunctionTool[] {
  return tools.map((tool) => ({
    type: "function",
    name: tool.name,
    description: tool.description,
    inputSchema: inputSchemaOf(tool),
  }));
}

/** The JSON Schema of a tool's input, for a model. */
export function inputSchemaOf(tool: Pick<Tool, "inputSchema" | "jsonSchema">): InputSchema {
  const source = tool.jsonSchema ?? tool.inputSchema;
  const kept = known.get(source);
  if (kept !== undefined) return kept;
  const { $schema: _, ...schema } = tool.jsonSchema ?? written(tool);
  // Every provider requires an object at the top.
  const complete: InputSchema = { type: "object", ...schema };
  known.set(source, complete);
  return complete;
}

function written(tool: Pick<Tool, "inputSchema">): JSONSchema7 {
  // Its type is that of every draft; the target says which one it is.
  return z.toJSONSchema(tool.inputSchema, {
    io: "input",
    target: "draft-7",
    // What JSON Schema cannot express is left out here; the schema itself still checks it.
    unrepresentable: "any",
  }) as JSONSchema7;
}

/** The tools that a model may use now. */
export function offeredTools({
  tools,
  isOffered,
}: Pick<TurnInput, "tools" | "isOffered">): readonly Tool[] {
  return isOffered === undefined ? tools : tools.filter((tool) => isOffered(tool));
}

/** The schema that parts of an input of another type are fitted to; undefined if none are. */
export function takenAs(tool: Tool): InputSchema | undefined {
  return tool.takenAsWritten === true ? undefined : inputSchemaOf(tool);
}
