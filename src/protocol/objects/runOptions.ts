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
 * The schema. It keeps unknown members, because a run is identified by the options that were sent, and
 * a later version may know these members (protocol.md section 4, Options of a run).
 */
function asSent<T extends z.ZodObject>(schema: T): T {
  return schema.loose() as unknown as T;
}

/** Permission rules. Their form is checked together with the other contents of the options. */
const rules = () => z.array(z.string().max(longestRule)).max(mostRules);

/** The options of one run. */
export const RunOptions = lazySchema(() =>
  asSent(
    z.object({
      model: SelectedModel().optional().describe("The model of this run."),
      permissionMode: PermissionMode()
        .optional()
        .describe("The mode of this run. A mode above `permissions.maxMode` is `InvalidParams`."),
      instructions: z
        .string()
        .max(longestInstructions)
        .optional()
        .describe("Text that follows the system prompt, for this run and its sub-tasks."),
      tools: asSent(z.object({ allow: rules().optional(), deny: rules().optional() }))
        .optional()
        .describe(
          "Rules as in section 7 that narrow what the run may do: only calls that `allow` matches, and no calls that `deny` matches. A tool that can never be allowed is not offered to the model.",
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
            .describe(
              "Seconds that the run takes, without the time in which it waits for a person; `TimeLimit`.",
            ),
        }),
      )
        .optional()
        .describe(
          "Bounds of the run together with its sub-tasks. The bounds of the configuration hold too.",
        ),
      outputSchema: z
        .record(z.string(), z.unknown())
        .optional()
        .describe(
          "A JSON Schema of an object, at most 64 KiB. The completion has `output`, a value that fits it. Otherwise the run fails as `OutputInvalid`.",
        ),
      onServerLoss: z
        .enum(["interrupt", "continue"])
        .optional()
        .describe(
          "What happens if the server is lost, or ends, before the run has ended: `interrupt` (the run ends), or `continue` (it waits, and another server goes on with it). `continue` needs a `runId`, and a `clientId` in `initialize`. By default `interrupt`.",
        ),
      whenBusy: z
        .enum(["queue", "join", "reject"])
        .optional()
        .describe(
          "What happens if the prompt would have to wait: `queue`; `join` (it joins the running turn at its next model call; no other option but `onServerLoss` may be sent with it); or `reject` (`SessionBusy`). Without this option, a prompt without a `runId` and without options joins, and every other prompt is queued.",
        ),
    }),
  ).meta({ id: "RunOptions", description: "Options of one run. All are optional." }),
);
export type RunOptions = z.output<ReturnType<typeof RunOptions>>;
