// `finalOutput`: with this tool a model gives the value that a run was asked for (protocol.md section 4,
// Output). If a value does not fit, the model is asked again, at most twice.
import type { JSONSchema7 } from "@ai-sdk/provider";
import * as z from "zod";
import { outputToolName } from "../base/outputTool.js";
import type { HistoryMessage } from "../engine/engine.js";
import { defineTool } from "../tools/defineTool.js";
import type { Tool } from "../tools/tool.js";
import type { TurnFailure } from "./outcome.js";

const mostMisses = 2;

const description =
  "Ends your work with its result. Call it once, when everything is done: the input is the result, and nothing that you write beside it reaches whoever asked.";

/** The value with which a run must end. */
export interface OutputWish {
  /** The schema, in the form that a model gets. */
  readonly jsonSchema: JSONSchema7;
  /** What is wrong with a value; empty if it fits. */
  misfits(value: unknown, signal: AbortSignal): Promise<readonly string[]>;
}

/** Takes the value of one run. */
export class FinalOutput {
  readonly tool: Tool;
  #given: { readonly value: unknown } | undefined;
  #misses = 0;
  #lastProblem = "no value was given";

  constructor(wish: OutputWish) {
    this.tool = defineTool<Record<string, unknown>>({
      name: outputToolName,
      description,
      inputSchema: z.record(z.string(), z.unknown()),
      jsonSchema: wish.jsonSchema,
      inPlan: true,
      takenAsWritten: true,
      execute: async (value, { signal }) => {
        if (this.#given !== undefined) return { output: "A result was given already." };
        const problems = await wish.misfits(value, signal);
        if (problems.length === 0) {
          this.#given = { value };
          return { output: "It is taken." };
        }
        this.#lastProblem = problems.join("; ");
        const list = problems.map((problem) => `- ${problem}`).join("\n");
        const output = `The result does not fit its schema:\n${list}\nCorrect this and call it again.`;
        return { output, isError: true };
      },
    });
  }

  /** The value. Set when a value has fitted. */
  get given(): { readonly value: unknown } | undefined {
    return this.#given;
  }

  /** Another server has taken this value. */
  restore(value: unknown): void {
    this.#given = { value };
  }

  /** Notes that a reply ended without the value. Returns the reason if the turn must end now. */
  missed(): TurnFailure | undefined {
    this.#misses++;
    if (this.#misses <= mostMisses) return undefined;
    const message = `The model gave no result that fits the schema, in ${this.#misses} tries: ${this.#lastProblem}.`;
    return { errorName: "OutputInvalid", message, cause: "provider" };
  }

  /** What a model is told that ended with the message of this id, without a value. It is not stored. */
  reminder(id: string): HistoryMessage {
    const text = `You have not given your result. Call \`${outputToolName}\` with it now.`;
    return { id, role: "user", parts: [{ type: "text", text }] };
  }
}
