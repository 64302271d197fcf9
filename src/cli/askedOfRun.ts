/** Makes the options of a run from the flags of `turnwire run` (protocol.md section 4, Options of a run). */
import { readFile } from "node:fs/promises";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { ResolvePath } from "../base/startFolder.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { RunCommandOptions } from "./runOptions.js";
import { BadPrompt } from "./runPrompt.js";

/**
 * The options to send; undefined if no flag asks for any.
 *
 * @param chosen the model that the run has without an option of its own.
 * @throws BadPrompt if the file of `--output-schema` cannot be read, or is not a JSON object.
 */
export async function askedOfRun(
  flags: RunCommandOptions,
  chosen: SelectedModel | undefined,
  resolvePath: ResolvePath,
): Promise<RunOptions | undefined> {
  const { allow, deny, instructions, maxSteps, maxCost, effort } = flags;
  const tools = defined({ allow, deny });
  const limits = defined({ steps: maxSteps, costUsd: maxCost });
  const options: RunOptions = defined({
    model: effort && chosen ? { ...chosen, reasoningEffort: effort } : undefined,
    tools: Object.keys(tools).length > 0 ? tools : undefined,
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    instructions,
    outputSchema:
      flags.outputSchema === undefined
        ? undefined
        : await readSchema(resolvePath(flags.outputSchema)),
  });
  return Object.keys(options).length > 0 ? options : undefined;
}

async function readSchema(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new BadPrompt(`--output-schema: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new BadPrompt(`--output-schema: ${path} is no JSON object`);
}
