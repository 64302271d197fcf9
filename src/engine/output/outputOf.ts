// Makes the tool and the advice for a run that was asked for a value.
import type { JSONSchema7 } from "@ai-sdk/provider";
import { FinalOutput } from "../../agent/finalOutput.js";
import { outputToolName } from "../../base/outputTool.js";
import { fitSchema } from "../../mcp/fitSchema.js";
import type { OutputCheck } from "./checkOutput.js";

type Schema = Readonly<Record<string, unknown>>;

/** The value with which a run with this schema must end. */
export function finalOutputOf(schema: Schema, check: OutputCheck): FinalOutput {
  const jsonSchema = (fitSchema(schema) ?? { type: "object", properties: {} }) as JSONSchema7;
  return new FinalOutput({
    jsonSchema,
    misfits: (value, signal) => check.misfits(schema, value, signal),
  });
}

/** The text for the system prompt. It contains the schema if providers do not accept the whole schema. */
export function outputAdvice(schema: Schema): string {
  const { $schema: _, ...plain } = schema;
  const isWhole = JSON.stringify(fitSchema(schema)) === JSON.stringify(plain);
  return [
    "# Result",
    `This run ends with a result: when all is done, call the tool \`${outputToolName}\` with it.`,
    ...(isWhole ? [] : [`It must fit this JSON Schema: ${JSON.stringify(plain)}`]),
  ].join("\n");
}
