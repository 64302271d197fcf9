// A call whose input the user changed when he was asked about it (protocol.md section 7).
import { isNestedDeeper } from "../base/jsonDepth.js";
import { cutText } from "../base/text.js";
import type { OneAllowance } from "../permissions/types.js";
import type { Tool } from "../tools/tool.js";
import { failedResult, type Settled } from "./settledCall.js";
import { takenAs } from "./toolDefinitions.js";
import { type CheckedInput, checkToolInput, inputText, longestToolInput } from "./toolInput.js";

/** How much of the input the model is told beside the result. */
const mostTold = 2_000;

/** The changed input, and the allowance of one question that came with it. */
export class ChangedCall implements OneAllowance {
  readonly input: Readonly<Record<string, unknown>>;
  /** The input as the tool takes it, or what is wrong with it. */
  readonly checked: CheckedInput<unknown>;
  #isTaken = false;

  constructor(tool: Tool, input: Readonly<Record<string, unknown>>) {
    this.input = input;
    this.checked = isTooLarge(input)
      ? { ok: false, problem: "It is too long, or nested too deep." }
      : checkToolInput(tool.inputSchema, takenAs(tool), input);
  }

  take(): boolean {
    const isFirst = !this.#isTaken;
    this.#isTaken = true;
    return isFirst;
  }

  /** The result of a call that did not run because the changed input does not fit the tool. */
  unfit(problem: string): Settled {
    return failedResult(
      `It was not run: the user changed the input, and what he wrote does not fit.\n${problem}`,
    );
  }

  /** Tells the model what ran instead of what it wrote: not every provider is shown the changed call. */
  tell(settled: Settled): Settled {
    const shown = cutText(inputText(this.input), mostTold);
    return { ...settled, output: `${settled.output}\n\n[The user changed the input to: ${shown}]` };
  }
}

function isTooLarge(input: unknown): boolean {
  return isNestedDeeper(input) || inputText(input).length > longestToolInput;
}
