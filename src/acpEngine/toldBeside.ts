// What an agent tells beside its messages: its plan, how full its context is, what it used.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { TurnSink } from "../engine/engine.js";
import type { Todo } from "../protocol/objects/session.js";
import { amount, type Json, objects, text } from "./reading.js";

const mostTodos = 200;
const longestTodo = 500;
const longestNotice = 1_000;

/** The todos of a `plan`. */
export function todosIn({ entries }: Json): Todo[] {
  return objects(entries).slice(0, mostTodos).map(todo);
}

/** Adds a remark of the agent to the completion's warnings, unless it only informs. */
export function tellNotice(sink: TurnSink, { severity, title, description }: Json): void {
  if (severity === "info") return;
  const said = [title, description].map(text).filter((one) => one !== undefined && one !== "");
  if (said.length > 0) sink.warn(cutText(said.join(": "), longestNotice));
}

/** Tells how full the context is, as `usage_update` says. */
export function tellContext(sink: TurnSink, { used, size }: Json): void {
  const tokens = amount(used);
  const window = amount(size);
  if (tokens === undefined) return;
  const known = window === undefined || window < 1 ? undefined : Math.round(window);
  sink.filled({ tokens: Math.round(tokens), ...defined({ window: known }) });
}

/** Adds the tokens that the answer to a prompt tells, if the agent tells them. */
export function addTokens(sink: TurnSink, usage: Json): void {
  const count = (name: string) => Math.round(amount(usage[name]) ?? 0);
  const cached = count("cachedReadTokens");
  const written = count("cachedWriteTokens");
  const promptTokens = count("inputTokens") + cached + written;
  const completionTokens = count("outputTokens");
  if (promptTokens + completionTokens === 0) return;
  const parts = {
    cachedPromptTokens: cached || undefined,
    cacheWriteTokens: written || undefined,
    reasoningTokens: Math.min(count("thoughtTokens"), completionTokens) || undefined,
  };
  sink.addUsage({ promptTokens, completionTokens, cost: 0, ...defined(parts) });
}

function todo({ content, status }: Json): Todo {
  const states = { pending: "pending", in_progress: "inProgress", completed: "completed" } as const;
  const known = Object.entries(states).find(([name]) => name === status);
  return { text: cutText(text(content) ?? "", longestTodo), status: known?.[1] ?? "pending" };
}
