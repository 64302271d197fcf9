/** Asks the person at the terminal whether a tool may do something. */
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";
import { questionLines } from "./questionText.js";
import { TerminalPrompt } from "./terminalPrompt.js";

/** Asks for permissions on a terminal. */
export class PermissionPrompt extends TerminalPrompt {
  /**
   * Shows all that would run or change, and resolves with what the person said; the end of the input
   * is a no. What was typed before the choice is shown counts for nothing.
   */
  ask(
    question: PermissionQuestion,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PermissionAnswer> {
    const denied: PermissionAnswer = { decision: "deny" };
    return this.converse(signal, denied, async ({ read, show }) => {
      if (!(await show(questionLines(question)))) return denied;
      for (;;) {
        const line = await read("Allow? [y]es, [n]o, [a]lways in this session: ");
        const decision = line === undefined ? "deny" : decisions[line.trim().toLowerCase()];
        if (decision !== undefined) return { decision };
      }
    });
  }
}

const decisions: Readonly<Record<string, PermissionAnswer["decision"]>> = {
  y: "allow",
  yes: "allow",
  n: "deny",
  no: "deny",
  a: "allowForSession",
  always: "allowForSession",
};
