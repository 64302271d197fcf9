import { argumentIn } from "../base/builtInCommand.js";
import { defined } from "../base/defined.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";

/** Carries `/undo` out within its run; returns what was done, for a person. */
export async function undoRun(
  { signal, request }: Pick<AcceptedRun, "signal" | "request">,
  {
    undo,
    workspaceId,
    clientFiles,
  }: Pick<CoordinatorOptions, "undo" | "workspaceId" | "clientFiles">,
): Promise<string> {
  const { sessionId, runId, clientId, prompt } = request;
  const argument = argumentIn(prompt.text);
  const files = clientFiles?.ofRun({ workspaceId, sessionId, ...defined({ runId }) }, clientId);
  const text = await undo?.({ workspaceId, sessionId, argument, signal, ...defined({ files }) });
  return text ?? "Nothing can be taken back here.";
}
