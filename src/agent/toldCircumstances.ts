// Makes the text about circumstances that a model gets with a user's message.
import { taggedText } from "../base/taggedText.js";
import type { HistoryMessage } from "../engine/engine.js";

/**
 * Finds the text for the messages of a history, oldest first. Nothing is told twice. The text
 * depends only on earlier messages, so a message that was sent once never changes.
 */
export class ToldCircumstances {
  #surroundings: string | undefined;

  /** @param before what was told before; its own state stays as it is. */
  constructor(before?: ToldCircumstances) {
    if (before !== undefined) this.#surroundings = before.#surroundings;
  }

  /** The text for the next message of the history; undefined if there is none. */
  next({ circumstances }: HistoryMessage): string | undefined {
    const { surroundings, newAgentsMd, newUserAgentsMd, newSkills } = circumstances ?? {};
    const isNew = surroundings !== undefined && surroundings !== this.#surroundings;
    if (isNew) this.#surroundings = surroundings;
    const sections = [
      ...(isNew ? [surroundings] : []),
      ...(newUserAgentsMd === undefined ? [] : [userAgentsMdSection(newUserAgentsMd)]),
      ...(newAgentsMd === undefined ? [] : [agentsMdSection(newAgentsMd)]),
      ...(newSkills === undefined ? [] : [skillsSection(newSkills)]),
    ];
    return sections.length === 0 ? undefined : taggedText("circumstances", sections.join("\n\n"));
  }
}

function agentsMdSection(text: string): string {
  return text === ""
    ? "# AGENTS.md\nThe workspace has no instructions of its own any more: what AGENTS.md said no longer holds."
    : `# AGENTS.md\nThe workspace's own instructions have changed. These hold from now on, in the place of earlier ones:\n\n${taggedText("agents-md", text)}`;
}

function userAgentsMdSection(text: string): string {
  return text === ""
    ? "# The user's own instructions\nThere are none any more: what they said no longer holds."
    : `# The user's own instructions\nThey have changed. These hold from now on, in the place of earlier ones:\n\n${taggedText("agents-md", text)}`;
}

function skillsSection(list: string): string {
  return list === ""
    ? "# Skills\nThere are no skills any more."
    : `# Skills\nThe skills have changed. These are all that there are now:\n\n${list}`;
}
