// The frame around every tool. A tool's failure becomes a result for the model. In a cancelled
// turn, the tool always rejects with the signal's reason.

import { ChildNotStarted } from "../base/childStart.js";
import { explainSystemError } from "../base/systemError.js";
import { PermissionRefused } from "../permissions/requirePermission.js";
import { ToolFailure } from "./failure.js";
import { requireWorkspace } from "./presentWorkspace.js";
import type { Tool, ToolContext, ToolResult } from "./tool.js";

/**
 * Makes a tool. Its `execute` may throw {@link ToolFailure}, {@link PermissionRefused}, or an error
 * of the operating system; the model is told about these. Every other error is a defect and is
 * passed on. A tool that works `inWorkspace` is not run if the workspace is gone.
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
        if (inWorkspace) requireWorkspace(context.workspacePath);
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
