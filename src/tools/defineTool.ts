// The frame around every tool: what it cannot do becomes a result for the model, and a cancelled
// turn always ends in the signal's reason.

import { ChildNotStarted } from "../base/childStart.js";
import { explainSystemError } from "../base/systemError.js";
import { PermissionRefused } from "../permissions/requirePermission.js";
import { ToolFailure } from "./failure.js";
import { requireWorkspace } from "./presentWorkspace.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";

/**
 * Makes a tool whose `execute` may throw {@link ToolFailure}, {@link PermissionRefused}, or an error
 * of the operating system,
 * where the model should be told. Anything else that it throws is a defect and passes through. A tool
 * that works `inWorkspace` is not run where the workspace is gone.
 */
export function defineTool<Input>(
  definition: Tool<Input>,
  { inWorkspace = false }: { readonly inWorkspace?: boolean } = {},
): Tool<Input> {
  return {
    ...definition,
    async execute(input: Input, context: ToolContext): Promise<ToolResult> {
      context.signal.throwIfAborted();
      try {
        if (inWorkspace) await requireWorkspace(context.workspacePath);
        return await definition.execute(input, context);
      } catch (error) {
        context.signal.throwIfAborted();
        return failureResult(error);
      }
    },
  };
}

function failureResult(error: unknown): ToolResult {
  if (error instanceof PermissionRefused) {
    return { output: error.message, isError: true, denied: true };
  }
  if (error instanceof ToolFailure) return { output: error.message, isError: true };
  if (error instanceof ChildNotStarted) {
    return { output: `A program cannot be started: ${error.message}.`, isError: true };
  }
  const explanation = explainSystemError(error);
  if (explanation === undefined) throw error;
  return { output: `It failed: ${explanation}.`, isError: true };
}
