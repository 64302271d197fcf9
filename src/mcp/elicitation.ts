// What a tool server asks of the user while one of its tools is called.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";
import { ToolFailure } from "../tools/failure.js";

const longestMessage = 4_000;
const mostSchemaCharacters = 32_000;
const deepestSchema = 20;

/** Who can be asked during a call: the user of a session. */
export interface Asker {
  readonly sessionId: string;
  /** Resolves with undefined where nobody can answer. */
  ask(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
}

/**
 * Puts a server's question (the params of `elicitation/create`) to the user, with the server's name.
 * What nobody can answer, and what is no question for a form, is declined.
 */
export async function elicit(
  server: string,
  params: unknown,
  asker: Asker | undefined,
  signal: AbortSignal,
): Promise<InputAnswer> {
  const question = questionOf(server, params);
  const answer = question && (await asker?.ask(question, signal));
  if (answer === undefined) return { action: "decline" };
  if (answer.action !== "accept") return { action: answer.action };
  return { action: "accept", content: answer.content ?? {} };
}

/**
 * Answers what a server of the new era needs to know before it goes on, by the name of each question.
 *
 * @throws ToolFailure where it asks for what is not offered here.
 */
export async function answerAll(
  server: string,
  asked: unknown,
  asker: Asker | undefined,
  signal: AbortSignal,
): Promise<Record<string, InputAnswer>> {
  const answers: Record<string, InputAnswer> = Object.create(null);
  const questions = typeof asked === "object" && asked !== null ? Object.entries(asked) : [];
  for (const [name, question] of questions.slice(0, 20)) {
    const { method, params } = { method: undefined, params: undefined, ...question };
    if (method !== "elicitation/create") {
      throw new ToolFailure(
        `It asks for ${cutText(String(method), 100)}, which is not offered here.`,
      );
    }
    answers[name] = await elicit(server, params, asker, signal);
  }
  return answers;
}

function questionOf(server: string, params: unknown): InputQuestion | undefined {
  if (typeof params !== "object" || params === null) return undefined;
  const { message, requestedSchema, mode = "form" } = params as Record<string, unknown>;
  if (mode !== "form" || typeof message !== "string") return undefined;
  const isSchema = typeof requestedSchema === "object" && requestedSchema !== null;
  if (!isSchema || Array.isArray(requestedSchema)) return undefined;
  if (isNestedDeeper(requestedSchema, deepestSchema)) return undefined;
  if (JSON.stringify(requestedSchema).length > mostSchemaCharacters) return undefined;
  return {
    message: `The tool server "${server}" asks: ${cutText(message, longestMessage)}`,
    schema: { ...requestedSchema },
  };
}
