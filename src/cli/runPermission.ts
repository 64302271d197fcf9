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
