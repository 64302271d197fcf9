// The fields of `limits`: the bounds of a run, and those of the server.
import * as z from "zod";
import { defaultCheckpointMegabytes, defaultLimits } from "./defaults.js";

/** The schema of `limits`. */
export const limits = () =>
  z.strictObject({
    maxSteps: z.int().min(1).exactOptional().meta({
      description: "Model calls of one run, its sub-tasks' included.",
      default: defaultLimits.maxSteps,
    }),
    maxCostUsd: z
      .number()
      .positive()
      .exactOptional()
      .describe(
        "US dollars that one run may cost, together with its sub-tasks and summaries; no bound by default.",
      ),
    maxTokens: z
      .int()
      .min(1)
      .exactOptional()
      .describe(
        "Tokens that one run may send and receive, together with its sub-tasks and summaries; no bound by default.",
      ),
    maxSeconds: z
      .number()
      .min(1)
      .exactOptional()
      .describe(
        "Seconds that one run may take, without the time in which it waits for a person; no bound by default.",
      ),
    providerIdleSeconds: z.number().positive().max(86_400).exactOptional().meta({
      description: "Seconds that a model may send nothing.",
      default: defaultLimits.providerIdleSeconds,
    }),
    maxDenials: z.int().min(1).exactOptional().meta({
      description: "Denied permissions in a row that end a turn.",
      default: defaultLimits.maxDenials,
    }),
    toolSeconds: z.number().positive().max(86_400).exactOptional().meta({
      description: "Seconds that a tool of the client may take.",
      default: defaultLimits.toolSeconds,
    }),
    concurrentRuns: z
      .int()
      .min(1)
      .exactOptional()
      .describe(
        "The most turns that a server runs at once, in all its workspaces together; no bound by default. Only the user's own file sets it.",
      ),
    checkpointMegabytes: z.int().min(1).max(1_000_000).exactOptional().meta({
      description:
        "Megabytes of files' contents that are kept for taking back, in the whole data directory; the oldest checkpoints are given up first. Only the user's own file sets it.",
      default: defaultCheckpointMegabytes,
    }),
    waitingDays: z.int().min(1).max(365).exactOptional().meta({
      description:
        "Days after which a run ends that waits for a server to go on with it. Only the user's own file sets it.",
      default: 7,
    }),
    keepDays: z
      .int()
      .min(7)
      .max(36_500)
      .exactOptional()
      .describe(
        "Days after which a session that nobody has used is deleted, with its messages and outputs, and messages that a summary has replaced go from one that is used; by default all is kept for ever. Only the user's own file sets it.",
      ),
  });
