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
        "The name of the error, for a program: one of the names in section 8. More may be added. A client treats an unknown name as a general failure.",
    }),
);

/** How far an accepted run has come. */
export const RunState = lazySchema(() =>
  z.enum(["accepted", "queued", "running", "waiting", "completed"]).meta({
    id: "RunState",
    description:
      "How far an accepted run has come. `waiting`: its server is gone, and it waits for one that goes on with it.",
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
        .describe("How many of `promptTokens` the provider read from its cache. Absent if none."),
      cacheWriteTokens: z
        .int()
        .nonnegative()
        .optional()
        .describe("How many of `promptTokens` the provider wrote to its cache. Absent if none."),
      reasoningTokens: z
        .int()
        .nonnegative()
        .optional()
        .describe("How many of `completionTokens` were the model's thoughts. Absent if none."),
    })
    .meta({ id: "Usage", description: "Tokens and money that a turn used." }),
);
export type Usage = z.output<ReturnType<typeof Usage>>;

/** The terminal record of a turn (protocol.md section 5). */
export const RunComplete = lazySchema(() =>
  z
    .object({
      completionId: z.string().describe("The same at every delivery. Use it to find duplicates."),
      sequence: z
        .int()
        .positive()
        .describe("Each new completion of a data directory has a higher number."),
      attempt: z.int().nonnegative().describe("1 at the first delivery, 0 before it."),
      workspaceId: z.string(),
      sessionId: z.string(),
      runId: z.string().optional(),
      messageId: z.string().optional().describe("The last assistant message of the turn."),
      text: z.string().describe("The text of that message."),
      textTruncated: z
        .boolean()
        .optional()
        .describe("`text` is cut; `getMessage` returns the whole text."),
      output: z
        .unknown()
        .optional()
        .describe("The value for `outputSchema`. Set if `status` is `succeeded`."),
      status: RunStatus(),
      cancelled: z.boolean().describe("Whether `status` is `cancelled`."),
      error: z.string().optional().describe("What went wrong, for a person."),
      errorName: RunErrorName().optional(),
      cause: RunCause().optional(),
      foldedPrompts: z.int().nonnegative().describe("Queued prompts that joined this turn."),
      joined: z
        .object({
          completionId: z.string().describe("The completion of that turn."),
          runId: z.string().optional().describe("The `runId` of that turn, if it has one."),
        })
        .optional()
        .describe(
          "The run joined the turn of another run, and ended with it. What the turn used is told by that turn's completion alone.",
        ),
      neverRan: z
        .literal(true)
        .optional()
        .describe(
          "The run ended while it waited. No model was called, and the session has no message of it.",
        ),
      continuations: z
        .int()
        .positive()
        .optional()
        .describe(
          "How often another server has gone on with the run (`onServerLoss`). Absent if none has.",
        ),
      usage: Usage().optional(),
      steps: z
        .int()
        .nonnegative()
        .optional()
        .describe(
          "How many model calls were answered, including those of summaries and sub-tasks. Absent in completions of an older version.",
        ),
      sessionTitle: z
        .string()
        .optional()
        .describe("The session's title at that time. Absent in completions of an older version."),
      ...contextMembers(),
      denials: z
        .int()
        .positive()
        .optional()
        .describe("How many permissions were refused. Absent if none was."),
      warnings: z
        .array(z.string())
        .optional()
        .describe(
          `Problems that a person should know and that did not make the run fail: files that the model was not shown, tools and settings that were left out. At most ${mostWarnings}, each of at most ${longestWarning} characters. Absent if there are none.`,
        ),
      completedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "RunComplete", description: "The terminal record of a turn." }),
);
export type RunComplete = z.output<ReturnType<typeof RunComplete>>;
