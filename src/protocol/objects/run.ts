import * as z from "zod";
import { type RunErrorName as KnownRunError, runErrorTable } from "../../base/runErrors.js";
import { longestWarning, mostWarnings } from "../../base/warnings.js";
import { lazySchema } from "../declare.js";
import { contextMembers } from "./context.js";

/** How a turn ended. */
export const RunStatus = lazySchema(() =>
  z.enum(["succeeded", "failed", "cancelled", "interrupted"]).meta({
    id: "RunStatus",
    description: "`interrupted`: its server died before the turn had ended.",
  }),
);
export type RunStatus = z.output<ReturnType<typeof RunStatus>>;

/** What ended a turn that did not succeed. */
export const RunCause = lazySchema(() =>
  z
    .enum([
      "user",
      "deleted",
      "shutdown",
      "disconnect",
      "crash",
      "limit",
      "provider",
      "tool",
      "internal",
    ])
    .meta({ id: "RunCause", description: "What ended a turn that did not succeed." }),
);
export type RunCause = z.output<ReturnType<typeof RunCause>>;

/** The name of what went wrong, for a program. The list may grow: a reader takes any text. */
export const RunErrorName = lazySchema(() =>
  z
    .union([z.enum(Object.keys(runErrorTable) as [KnownRunError, ...KnownRunError[]]), z.string()])
    .meta({
      id: "RunErrorName",
      description:
        "What went wrong, for a program: one of the names in section 8. More may be added; a client takes one that it does not know for a failure of no special kind.",
    }),
);

/** How far an accepted run has come. */
export const RunState = lazySchema(() =>
  z.enum(["accepted", "queued", "running", "completed"]).meta({
    id: "RunState",
    description: "How far an accepted run has come.",
  }),
);
export type RunState = z.output<ReturnType<typeof RunState>>;

/** Tokens and money that a turn used. */
export const Usage = lazySchema(() =>
  z
    .object({
      promptTokens: z.int().nonnegative(),
      completionTokens: z.int().nonnegative(),
      cost: z.number().nonnegative().describe("US dollars."),
      cachedPromptTokens: z
        .int()
        .nonnegative()
        .optional()
        .describe("Of `promptTokens`, what the provider read from its cache; absent where none."),
      cacheWriteTokens: z
        .int()
        .nonnegative()
        .optional()
        .describe("Of `promptTokens`, what the provider wrote to its cache; absent where none."),
      reasoningTokens: z
        .int()
        .nonnegative()
        .optional()
        .describe("Of `completionTokens`, what the model thought; absent where none."),
    })
    .meta({ id: "Usage", description: "Tokens and money that a turn used." }),
);
export type Usage = z.output<ReturnType<typeof Usage>>;

/** The terminal record of a turn (protocol.md section 5). */
export const RunComplete = lazySchema(() =>
  z
    .object({
      completionId: z.string().describe("The same at every delivery: deduplicate by it."),
      sequence: z.int().positive().describe("Rises with every completion of a data directory."),
      attempt: z.int().nonnegative().describe("1 at the first delivery, 0 before it."),
      workspaceId: z.string(),
      sessionId: z.string(),
      runId: z.string().optional(),
      messageId: z.string().optional().describe("The last assistant message of the turn."),
      text: z.string().describe("The text of that message."),
      textTruncated: z.boolean().optional().describe("`getMessage` has the whole."),
      output: z
        .unknown()
        .optional()
        .describe("The value that `outputSchema` asked for; set if `status` is `succeeded`."),
      status: RunStatus(),
      cancelled: z.boolean().describe("Whether `status` is `cancelled`."),
      error: z.string().optional().describe("What went wrong, for a person."),
      errorName: RunErrorName().optional(),
      cause: RunCause().optional(),
      foldedPrompts: z.int().nonnegative().describe("Queued prompts that joined this turn."),
      neverRan: z
        .literal(true)
        .optional()
        .describe(
          "It ended while it waited: no model was called, and nothing of it is in the session.",
        ),
      usage: Usage().optional(),
      steps: z
        .int()
        .nonnegative()
        .optional()
        .describe(
          "How many model calls were answered, those of summaries and sub-tasks included. Absent in what an older version wrote.",
        ),
      sessionTitle: z
        .string()
        .optional()
        .describe("The session's title as it was then. Absent in what an older version wrote."),
      ...contextMembers(),
      denials: z
        .int()
        .positive()
        .optional()
        .describe("How many permissions were refused; absent where none was."),
      warnings: z
        .array(z.string())
        .optional()
        .describe(
          `What the person should know although it failed nothing: what the model was not shown, tools and settings that were left out. At most ${mostWarnings}, each of at most ${longestWarning} characters; absent where there is none.`,
        ),
      completedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "RunComplete", description: "The terminal record of a turn." }),
);
export type RunComplete = z.output<ReturnType<typeof RunComplete>>;
