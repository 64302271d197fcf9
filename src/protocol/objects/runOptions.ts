import * as z from "zod";
import { lazySchema } from "../declare.js";
import { SelectedModel } from "./model.js";
import { PermissionMode } from "./workspace.js";

/** The longest `instructions`, in UTF-16 units. */
const longestInstructions = 256 * 1024;

const mostRules = 1_000;
/** In UTF-16 units. */
const longestRule = 10_000;

/**
 * The schema, but with members that it does not know kept: what tells one run from another is what was
 * sent, and a later version may know them (protocol.md section 4, Options of a run).
 */
function asSent<T extends z.ZodObject>(schema: T): T {
  return schema.loose() as unknown as T;
}

/** Permission rules; their form is checked with what else options contain. */
const rules = () => z.array(z.string().max(longestRule)).max(mostRules);

/** What a client may ask of one run. */
export const RunOptions = lazySchema(() =>
  asSent(
    z.object({
      model: SelectedModel().optional().describe("The model of this run."),
      permissionMode: PermissionMode()
        .optional()
        .describe("The mode of this run; `permissions.maxMode` may forbid it (`InvalidParams`)."),
      instructions: z
        .string()
        .max(longestInstructions)
        .optional()
        .describe("Text behind the system prompt, for this run; its sub-tasks have it too."),
      tools: asSent(z.object({ allow: rules().optional(), deny: rules().optional() }))
        .optional()
        .describe(
          "Rules as in section 7 that narrow what the run may do: only what `allow` matches, and nothing that `deny` matches. A tool that can never be allowed is not offered to the model.",
        ),
      limits: asSent(
        z.object({
          steps: z.int().min(1).optional().describe("Model calls; `StepLimit`."),
          costUsd: z.number().positive().optional().describe("US dollars; `BudgetExceeded`."),
          tokens: z.int().min(1).optional().describe("Tokens sent and received; `BudgetExceeded`."),
          seconds: z
            .number()
            .min(1)
            .optional()
            .describe("Seconds that it runs, without waiting for a person; `TimeLimit`."),
        }),
      )
        .optional()
        .describe(
          "Bounds of the run, its sub-tasks included; the configuration's hold beside them.",
        ),
      outputSchema: z
        .record(z.string(), z.unknown())
        .optional()
        .describe(
          "A JSON Schema of an object, at most 64 KiB: the completion has `output`, a value that fits it, or the run fails as `OutputInvalid`.",
        ),
      whenBusy: z
        .enum(["queue", "reject"])
        .optional()
        .describe(
          "What happens where the prompt would have to wait: `queue` or `reject` (`SessionBusy`). Without it a prompt that has neither a `runId` nor an option joins the running turn, and any other is queued.",
        ),
    }),
  ).meta({ id: "RunOptions", description: "What a client asks of one run, all of it optional." }),
);
export type RunOptions = z.output<ReturnType<typeof RunOptions>>;
