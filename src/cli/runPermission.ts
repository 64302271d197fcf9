/** Asks the person at the terminal whether a tool may do something. */
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";
import { questionLines } from "./questionText.js";
import { TerminalPrompt } from "./terminalPrompt.js";

/** Asks for permissions on a terminal. */
export class PermissionPrompt extends TerminalPrompt {
  /**
   * Shows everything that would run or change, and resolves with the person's answer. The end of
   * the input means no. Characters that were typed before the choice is shown are ignored.
   */
  ask(
    question: PermissionQuestion,
    { signal, isColored = false }: { readonly signal: AbortSignal; readonly isColored?: boolean },
  ): Promise<PermissionAnswer> {
    const denied: PermissionAnswer = { decision: "deny" };
    return this.converse(signal, denied, async ({ read, show }) => {
      if (!(await show(questionLines(question, isColored)))) return denied;
      const offered = offeredWords.filter(({ decision }) => question.choices.includes(decision));
      const text = `Allow? ${offered.map(({ shown }) => shown).join(", ")}: `;
      for (;;) {
        const line = await read(text);
        if (line === undefined) return denied;
        const word = line.trim().toLowerCase();
        const chosen = offered.find(({ words }) => words.includes(word));
        if (chosen !== undefined) return { decision: chosen.decision };
      }
    });
  }
}

/** What a person can type, in the order in which it is shown. */
const offeredWords: readonly {
  readonly decision: PermissionAnswer["decision"];
  readonly words: readonly string[];
  readonly shown: string;
}[] = [
  { decision: "allow", words: ["y", "yes"], shown: "[y]es" },
  { decision: "deny", words: ["n", "no"], shown: "[n]o" },
  { decision: "allowForSession", words: ["a", "always"], shown: "[a]lways in this session" },
  { decision: "allowAlways", words: ["w", "workspace"], shown: "always in this [w]orkspace" },
];
