import * as z from "zod";
import { lazySchema } from "../declare.js";
import { contextMembers } from "./context.js";
import { RunErrorName } from "./run.js";

/** One entry of a session's list of todos. */
export const Todo = lazySchema(() =>
  z
    .object({
      text: z.string().describe("The text of the todo, at most 500 characters."),
      status: z.enum(["pending", "inProgress", "completed"]).describe("The state of the todo."),
    })
    .meta({ id: "Todo", description: "One entry of a session's list of todos." }),
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
        .describe("The workspace's folder. Set in lists over every workspace."),
      parentSessionId: z.string().optional().describe("The session that began this sub-task."),
      title: z.string().describe("Empty until the session has a title."),
      messageCount: z.int().nonnegative(),
      promptTokens: z.int().nonnegative().describe("Sent to models so far."),
      completionTokens: z.int().nonnegative().describe("Received from models so far."),
      cost: z.number().nonnegative().describe("US dollars, from the configured prices."),
      summaryMessageId: z
        .string()
        .optional()
        .describe("The message with which the model's history begins."),
      ...contextMembers(),
      todos: z
        .array(Todo())
        .optional()
        .describe("The model's list of todos. Absent if the model never made one."),
      errorName: RunErrorName()
        .optional()
        .describe(
          "`StorageDamaged`: the row of the session cannot be read. The members that can still be read are set.",
        ),
      isBusy: z.boolean().describe("Whether a turn runs on it, here or in another server."),
      queuedPrompts: z.int().nonnegative(),
      queuePaused: z.boolean().describe("Whether the queue is paused until `resumeQueue`."),
      createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
      updatedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "Session", description: "A conversation in a workspace." }),
);
export type Session = z.output<ReturnType<typeof Session>>;
