/** Asks the person at the terminal what a tool server wants to know. */
import type { InputAnswer, InputRequest } from "../protocol/registry.js";
import { fieldsOf, type InputField } from "./inputFields.js";
import type { Talk, TerminalPrompt } from "./terminalPrompt.js";
import { visibleLine, visibleLines } from "./visibleText.js";

type Content = NonNullable<InputAnswer["content"]>;

const declined: InputAnswer = { action: "decline" };
const put: InputAnswer = { action: "cancel" };

/**
 * Shows the question, has the person accept, decline or put it aside, and then fill in one field after
 * the other. The end of the input puts it aside; what no line can fill in is declined.
 */
export function askInput(
  prompt: TerminalPrompt,
  { message, schema }: InputRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<InputAnswer> {
  const fields = fieldsOf(schema);
  return prompt.converse(signal, put, async (talk) => {
    if (!(await talk.show(visibleLines(message)))) return declined;
    if (fields === undefined) {
      await talk.show(["It cannot be answered at a terminal; it is declined."]);
      return declined;
    }
    const action = await actionOf(talk);
    if (action !== "accept") return { action };
    const content: Content = Object.create(null);
    for (const field of fields) {
      const value = await fill(talk, field);
      if (value === "ended") return put;
      if (value !== undefined) content[field.name] = value.given;
    }
    return { action: "accept", content };
  });
}

async function actionOf(talk: Talk): Promise<InputAnswer["action"]> {
  for (;;) {
    const line = await talk.read("Answer? [y]es, [n]o, [c]ancel: ");
    const action = line === undefined ? "cancel" : actions[line.trim().toLowerCase()];
    if (action !== undefined) return action;
  }
}

/** What a person says to a field; undefined where it is left out. */
async function fill(
  talk: Talk,
  field: InputField,
): Promise<{ given: Content[string] } | "ended" | undefined> {
  const { title, hint, choices, isRequired, fallback } = field;
  const lines = choices.map((one, index) => `  ${index + 1}) ${visibleLine(one.title)}`);
  if (!(await talk.show(lines))) return "ended";
  const empty =
    fallback === undefined
      ? isRequired
        ? ""
        : "; empty leaves it out"
      : `; empty is ${visibleLine(JSON.stringify(fallback))}`;
  for (;;) {
    const line = await talk.read(`${visibleLine(title)} (${hint}${empty}): `);
    if (line === undefined) return "ended";
    const said = line.trim();
    if (said === "" && fallback !== undefined) return { given: fallback };
    if (said === "" && !isRequired) return undefined;
    const given = said === "" ? undefined : field.read(said);
    if (given !== undefined) return { given };
  }
}

const actions: Readonly<Record<string, InputAnswer["action"]>> = {
  y: "accept",
  yes: "accept",
  n: "decline",
  no: "decline",
  c: "cancel",
  cancel: "cancel",
};
