// `task`: a second agent does a part of the work, in a session of its own. It can only read.

import * as z from "zod";
import { defined } from "../base/defined.js";
import { traced } from "../base/telemetry.js";
import { cutText, formatCount } from "../base/text.js";
import type { ChildSession, Circumstances, TurnOutcome } from "../engine/engine.js";
import type { Permissions } from "../permissions/types.js";
import { defineTool } from "../tools/defineTool.js";
import type { Tool, ToolContext, ToolResult } from "../tools/tool.js";
import { runTurn } from "./runTurn.js";
import type { TurnInput, TurnPorts } from "./turn.js";

/** The tools of its turn that a sub-agent gets. */
const taskToolNames: readonly string[] = ["read", "ls", "glob", "grep"];

const description = `Gives a task to a second agent, which reads and searches the workspace by itself and reports what it found. It cannot change anything, run commands or reach the web.
Use it for a search that takes many steps, so that what is read on the way stays out of this conversation. It knows nothing of this conversation: say in \`prompt\` all that it needs, and what its report must contain. The user does not see the report.`;

const instructions = `# Your task
You work for another agent, which sees nothing but your last message. You can read and search, not change anything. The user's message is the task; nobody answers questions. Report what was asked for, with paths and lines, and say what you could not find.`;

const maxReport = 50_000;

const inputSchema = z.object({
  description: z.string().trim().min(1).max(100).describe("The task in a few words, for the user."),
  prompt: z.string().trim().min(1).max(100_000).describe("The task, whole."),
});

/** What a sub-agent gets from its turn. */
export interface TaskOptions {
  readonly turn: Pick<
    TurnInput,
    "model" | "limits" | "budget" | "overTime" | "autoSummarize" | "summaryModel"
  > & {
    /** The turn's tools; a sub-agent gets those of {@link taskToolNames}. */
    readonly tools: readonly Tool[];
    /** The system prompt for an agent with these tools. */
    systemPrompt(tools: readonly Tool[]): string;
    readonly circumstances?: Circumstances;
  };
  readonly ports: Omit<TurnPorts, "sink">;
  openChild(title: string): ChildSession;
  /** Called when a sub-agent has ended: the resources of its session can be released. */
  forgetSession(sessionId: string): Promise<void>;
}

/** What a model is told of `task`. */
export const taskDescription = { name: "task", readOnly: true, description, inputSchema } as const;

/** `task`, for one turn. */
export function taskTool(options: TaskOptions): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    ...taskDescription,
    async execute(input, context) {
      const child = options.openChild(input.description);
      try {
        const { sessionId } = child;
        const outcome = await traced(
          "run",
          () => ({ kind: "task", sessionId, prompt: { text: input.prompt } }),
          () => runTask(input.prompt, child, context, options),
          (ended) => ended,
        );
        context.signal.throwIfAborted();
        return report(outcome);
      } finally {
        await options.forgetSession(child.sessionId);
      }
    },
  });
}

function runTask(
  prompt: string,
  child: ChildSession,
  context: ToolContext,
  { turn, ports }: TaskOptions,
): Promise<TurnOutcome> {
  const { tools: all, systemPrompt, ...shared } = turn;
  const tools = all.filter(({ name }) => taskToolNames.includes(name));
  return runTurn(
    {
      ...shared,
      tools,
      sessionId: child.sessionId,
      prompt: { text: prompt, attachments: [] },
      history: [],
      systemPrompt: `${systemPrompt(tools)}\n\n${instructions}`,
      workspacePath: context.workspacePath,
      env: context.env,
      ...defined({ files: context.files }),
      permissions: asking(context),
      signal: context.signal,
    },
    { ...ports, sink: child.sink },
  );
}

/** Questions name the call of `task`, because a person sees only that call. */
function asking({ permissions, toolCallId }: ToolContext): Required<Permissions> {
  return {
    check: (need, signal, asks) => permissions.check({ ...need, toolCallId }, signal, asks),
    hides: async (tools) => permissions.hides?.(tools),
  };
}

function report({ status, text, error, errorName }: TurnOutcome): ToolResult {
  const shown = cutText(text.trim(), maxReport);
  const note =
    shown.length < text.trim().length
      ? [`[Cut after ${formatCount(shown.length)} characters; there is more.]`]
      : [];
  if (status === "succeeded") return { output: [shown || "(no report)", ...note].join("\n") };
  const reason = `The task failed: ${error ?? "it was stopped"}`;
  const output = [reason, ...(shown === "" ? [] : [shown]), ...note].join("\n");
  // Refusals to the sub-agent count as refusals to its turn.
  const denied = errorName === "PermissionDenied" ? true : undefined;
  return { output, isError: true, ...defined({ denied }) };
}
