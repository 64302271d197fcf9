import * as z from "zod";
import { lazySchema } from "../declare.js";
import { SelectedModel } from "./model.js";
import { PermissionMode } from "./workspace.js";

/** The longest `instructions`, in UTF-16 units. */
const longestInstructions = 256 * 1024;

/**
 * The schema, but with members that it does not know kept: what tells one run from another is what was
 * sent, and a later version may know them (protocol.md section 4, Options of a run).
 */
function asSent<T extends z.ZodObject>(schema: T): T {
  return schema.loose() as unknown as T;
}

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
