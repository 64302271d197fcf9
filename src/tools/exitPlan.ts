// `exitPlan` ends the mode `plan`. The model shows its plan to the user, and goes on with it if the user
// accepts it (protocol.md section 7).
import * as z from "zod";
import { requirePermission } from "../permissions/requirePermission.js";
import { defineTool } from "./defineTool.js";
import type { Tool } from "./tool.js";

/** It is offered only in the mode `plan`. */
const exitPlanName = "exitPlan";

const description = `You are in the mode \`plan\`: read and search as you like, change nothing and run nothing. When you know what to do, call this with your plan, whole: what you will change, in which files, and how you will check it. The user accepts it, and you go on with all your tools, or refuses it and says why. Where the user asked for no change, answer and do not call this.`;

const inputSchema = z.object({
  plan: z.string().trim().min(1).max(50_000).describe("The plan, whole, for the user to read."),
});

/** What the tool needs of the run's mode. */
interface PlanMode {
  /** The mode as it is now. */
  mode(): string;
  /** Notes that the plan was accepted. */
  leavePlan(): void;
}

/** What a model is told of `exitPlan`. */
export const exitPlanDescription = { name: exitPlanName, description, inputSchema } as const;

/** `exitPlan`, for one turn. */
export function exitPlanTool({ mode, leavePlan }: PlanMode): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    ...exitPlanDescription,
    inPlan: true,
    async execute(input, context) {
      await requirePermission(context, {
        tool: exitPlanName,
        action: "leavePlan",
        description: input.plan,
        subject: { kind: "tool", value: exitPlanName },
        input,
      });
      leavePlan();
      return { output: `The plan is accepted; the mode is \`${mode()}\` now. Carry it out.` };
    },
  });
}

/** Whether a tool is offered to the model in a mode. */
export function isOfferedIn(mode: string, tool: Tool): boolean {
  if (mode === "plan") return tool.inPlan ?? tool.readOnly === true;
  return tool.name !== exitPlanName;
}
