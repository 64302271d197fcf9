// What a model is told along with a message of the user, as the text that is sent.
import { taggedText } from "../base/taggedText.js";
import type { HistoryMessage } from "../engine/engine.js";

/**
 * Finds the text for the messages of a history, oldest first. What was told already is not told again:
 * that depends on what comes before a message alone, so that a message once sent stays as it is.
 */
export class ToldCircumstances {
  #surroundings: string | undefined;

  /** What is sent along with the next message of the history; undefined where nothing is. */
  next({ circumstances }: HistoryMessage): string | undefined {
    const { surroundings, newAgentsMd } = circumstances ?? {};
    const isNew = surroundings !== undefined && surroundings !== this.#surroundings;
    if (isNew) this.#surroundings = surroundings;
    const sections = [
      ...(isNew ? [surroundings] : []),
      ...(newAgentsMd === undefined ? [] : [agentsMdSection(newAgentsMd)]),
    ];
    return sections.length === 0 ? undefined : taggedText("circumstances", sections.join("\n\n"));
  }
}

function agentsMdSection(text: string): string {
  return text === ""
    ? "# AGENTS.md\nThe workspace has no instructions of its own any more: what AGENTS.md said no longer holds."
    : `# AGENTS.md\nThe workspace's own instructions have changed. These hold from now on, in the place of earlier ones:\n\n${taggedText("agents-md", text)}`;
}
