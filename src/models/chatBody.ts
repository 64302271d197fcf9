// Changes the body of a chat completion to the form that a model's switches ask for.
import type { ModelSwitches } from "../config/types.js";
import { inside, listOf } from "./errorLayers.js";

type Body = Record<string, unknown>;

/** Changes a request's body as the switches say. Returns the same body if there is nothing to change. */
export function chatBody(body: Body, switches: ModelSwitches): Body {
  const { maxTokensField, parallelToolCalls, systemRole, emptyContent } = switches;
  let changed = body;
  if (maxTokensField !== undefined && changed.max_tokens !== undefined) {
    const { max_tokens, ...rest } = changed;
    changed = { ...rest, [maxTokensField]: max_tokens };
  }
  if (parallelToolCalls !== undefined && changed.tools !== undefined) {
    changed = { ...changed, parallel_tool_calls: parallelToolCalls };
  }
  if (systemRole !== "developer" && emptyContent === undefined) return changed;
  const { messages } = changed;
  if (!Array.isArray(messages)) return changed;
  return {
    ...changed,
    messages: messages.map((message: unknown) =>
      withContent(systemRole === "developer" ? asDeveloper(message) : message, emptyContent),
    ),
  };
}

function asDeveloper(message: unknown): unknown {
  return inside(message, "role") === "system" ? { ...asBody(message), role: "developer" } : message;
}

function withContent(message: unknown, emptyContent: ModelSwitches["emptyContent"]): unknown {
  const isCall = listOf(inside(message, "tool_calls")).length > 0;
  if (emptyContent === undefined || !isCall || inside(message, "content")) return message;
  const { content: _, ...rest } = asBody(message);
  if (emptyContent === "omit") return rest;
  return { ...rest, content: emptyContent === "null" ? null : "" };
}

function asBody(value: unknown): Body {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
