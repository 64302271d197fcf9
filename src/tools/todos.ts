import * as z from "zod";
import type { Todo } from "../protocol/objects/session.js";
import { defineTool } from "./defineTool.js";
import type { Tool } from "./tool.js";

const description = `Keeps a list of what is to do in this session, for work of several steps.
Each call replaces the whole list. Have one entry \`inProgress\` at a time, and mark it \`completed\` as soon as it is.`;

const inputSchema = z.object({
  todos: z
    .array(
      z.object({
        text: z.string().min(1).max(500).describe("What is to do."),
        status: z.enum(["pending", "inProgress", "completed"]).describe("How far it has come."),
      }),
    )
    .max(100)
    .describe("The whole list, in order."),
});

const marks: Readonly<Record<Todo["status"], string>> = {
  pending: "[ ]",
  inProgress: "[~]",
  completed: "[x]",
};

/** `todos`: the session's list. */
export function todosTool(): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    name: "todos",
    description,
    inputSchema,
    inPlan: true,
    async execute({ todos }, context) {
      context.setTodos?.(todos);
      if (todos.length === 0) return { output: "The list is empty." };
      return { output: todos.map(({ text, status }) => `${marks[status]} ${text}`).join("\n") };
    },
  });
}
