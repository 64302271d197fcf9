import * as z from "zod";
import { lazySchema } from "../declare.js";
import { contextMembers } from "./context.js";
import { RunErrorName } from "./run.js";

/** One entry of a session's list of what is to do. */
export const Todo = lazySchema(() =>
  z
    .object({
      text: z.string().describe("What is to do; at most 500 characters."),
      status: z.enum(["pending", "inProgress", "completed"]).describe("How far it has come."),
    })
    .meta({ id: "Todo", description: "One entry of a session's list of what is to do." }),
);
export type Todo = z.output<ReturnType<typeof Todo>>;

/** A conversation in a workspace. */
export const Session = lazySchema(() =>
  z
    .object({
      id: z.string(),
      workspaceId: z.string(),
      workspacePath: z
        .string()
        .optional()
        .describe("The workspace's folder, in lists over every workspace."),
      parentSessionId: z.string().optional().describe("The session whose sub-task this is."),
      title: z.string().describe("Empty until it has one."),
      messageCount: z.int().nonnegative(),
      promptTokens: z.int().nonnegative().describe("Sent to models so far."),
      completionTokens: z.int().nonnegative().describe("Received from models so far."),
      cost: z.number().nonnegative().describe("US dollars, from the configured prices."),
      summaryMessageId: z.string().optional().describe("Where the model's history begins."),
      ...contextMembers(),
      todos: z
        .array(Todo())
        .optional()
        .describe("What is to do, as the model keeps it; absent where it never made a list."),
      errorName: RunErrorName()
        .optional()
        .describe("`StorageDamaged`: its row cannot be read; what it still has is told."),
      isBusy: z.boolean().describe("Whether a turn runs on it, here or in another server."),
      queuedPrompts: z.int().nonnegative(),
      queuePaused: z.boolean().describe("Whether its queue waits for `resumeQueue`."),
      createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
      updatedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "Session", description: "A conversation in a workspace." }),
);
export type Session = z.output<ReturnType<typeof Session>>;
