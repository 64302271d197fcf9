// Questions of a tool server to the user during a call of its tools.
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";
import type { InputAnswer, InputQuestion } from "../protocol/registry.js";
import { ToolFailure } from "../tools/failure.js";

const longestMessage = 4_000;
const mostSchemaCharacters = 32_000;
const deepestSchema = 20;

/** The user of a session, who can be asked during a call. */
export interface Asker {
  readonly sessionId: string;
  /** Resolves with undefined if nobody can answer. */
  ask(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
}

/**
 * Puts a server's question (the params of `elicitation/create`) to the user, with the server's
 * name. A question that nobody can answer is declined, and so is one that is no form.
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
 * Answers the questions of a server of the new era, by the name of each question, so that it can go
 * on.
 *
 * @throws ToolFailure if it asks for something that is not offered here.
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
