// The switches of a model. They turn off a field that its server refuses, or say in which form it wants it.
import * as z from "zod";
import { defined } from "../base/defined.js";
import type { ModelSwitches, ProviderType } from "./types.js";

const off = (description: string) => z.boolean().exactOptional().describe(description);

/** The fields, for the schema of a model. */
export const switchFields = () => ({
  tools: off(
    "`false` for a model that takes no tools: it can only talk, and earlier calls are sent to it as text.",
  ),
  sampling: off("`false` for a model that refuses `temperature` and `top_p`: neither is sent."),
  reasoningEffort: off(
    "`false` for a model that refuses to be told how much to think: no `reasoningEffort` is sent.",
  ),
  systemRole: z
    .enum(["system", "developer", "user"])
    .exactOptional()
    .describe(
      "Of `openai-compatible`: the role in which the instructions are sent; `system` by default. With `user` they are the beginning of the first message of the user.",
    ),
  maxTokensField: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "is a field's name, such as `max_completion_tokens`")
    .exactOptional()
    .describe(
      "Of `openai-compatible`: the request's field for the tokens of a reply; `max_tokens` by default.",
    ),
  streamUsage: off(
    "Of `openai-compatible`: `false` for a server that refuses `stream_options`. Usage is then estimated, unless the server tells it unasked.",
  ),
  parallelToolCalls: off(
    "Of `openai-compatible`: the value of `parallel_tool_calls`, which is not sent by default. `false` for a model that may call only one tool at a time.",
  ),
  emptyContent: z
    .enum(["null", "text", "omit"])
    .exactOptional()
    .describe(
      "Of `openai-compatible`: how a message of the model with calls and no text is sent: with `content` as `null` (the default), as an empty text, or left out.",
    ),
  reasoningHistory: z
    .enum(["all", "turn", "none"])
    .exactOptional()
    .describe(
      "Of `openai-compatible`: which of the model's own thoughts are sent back to it: `all` (the default), those of the present `turn`, or `none`. With `all` the server need not read a turn again at the next prompt.",
    ),
});

type SwitchName = keyof ReturnType<typeof switchFields>;

/** The switches that every type of provider has. */
const general: readonly SwitchName[] = ["tools", "sampling", "reasoningEffort"];
const ofChat: readonly SwitchName[] = [
  "systemRole",
  "maxTokensField",
  "streamUsage",
  "parallelToolCalls",
  "emptyContent",
  "reasoningHistory",
];

type SwitchedEntry = { readonly [name in SwitchName]?: ModelSwitches[name] };

/** The switches of a model's entry, without the values that a client gets. */
export function withoutSwitches<T extends SwitchedEntry>(
  entry: T,
): { readonly switches: ModelSwitches; readonly rest: Omit<T, SwitchName> } {
  const {
    tools,
    sampling,
    reasoningEffort,
    systemRole,
    maxTokensField,
    streamUsage,
    parallelToolCalls,
    emptyContent,
    reasoningHistory,
    ...rest
  } = entry;
  const ofAll = { tools, sampling, reasoningEffort };
  const chat = { systemRole, maxTokensField, streamUsage, parallelToolCalls };
  const history = { emptyContent, reasoningHistory };
  return { switches: defined({ ...ofAll, ...chat, ...history }), rest };
}

/** The switches of an entry that its provider's type does not have, each with a complaint. */
export function misplacedSwitches(
  type: ProviderType,
  entry: SwitchedEntry,
): (readonly [field: string, complaint: string])[] {
  if (type === "openai-compatible") return [];
  return ofChat
    .filter((name) => entry[name] !== undefined)
    .map((name) => [name, "goes with the type `openai-compatible`"] as const);
}

/** The names of the switches that a type of provider has. */
export function switchesOf(type: ProviderType): readonly string[] {
  return type === "openai-compatible" ? [...general, ...ofChat] : general;
}
