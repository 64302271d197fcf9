// A turn that was made ready, run to its end: the tools, bounds and permissions of one run put together.
import { runTurn } from "../agent/runTurn.js";
import { StepBudget } from "../agent/stepBudget.js";
import { taskTool } from "../agent/subTask.js";
import type { AgentSurroundings } from "../agent/turn.js";
import { defined } from "../base/defined.js";
import type { ToolServers } from "../mcp/toolServers.js";
import type { Permissions } from "../permissions/types.js";
import { exitPlanTool, isOfferedIn } from "../tools/exitPlan.js";
import type { ToolResources } from "../tools/index.js";
import type { Tool } from "../tools/tool.js";
import { tellState } from "./circumstances.js";
import type { TurnOutcome, TurnRequest } from "./engine.js";
import type { Preparation } from "./preparation.js";
import { systemPrompt } from "./systemPrompt.js";

/** What the turns of a workspace share, and the permissions of this one. */
export interface TurnSurroundings extends AgentSurroundings {
  readonly workspacePath: string;
  readonly resources: ToolResources;
  readonly servers: ToolServers;
  readonly permissions: Permissions;
}

/** Runs a prepared turn; as `Turn.run`. */
export async function runPrepared(
  prepared: Preparation,
  request: TurnRequest,
  around: TurnSurroundings,
): Promise<TurnOutcome> {
  const { clock, ids, log, workspacePath, resources, servers } = around;
  const { large: model, summaryModel, config, env } = prepared;
  const { sessionId, prompt, signal, sink } = request;
  const { begin, circumstances, history } = tellState(request.history, prepared.state);
  const instructions = (tools: readonly Tool[]) =>
    systemPrompt({
      workspacePath,
      platform: process.platform,
      begin,
      tools: tools.map(({ name }) => name),
      ...defined({ ofRun: prepared.options?.instructions }),
    });
  const { limits, autoSummarize } = config;
  for (const warning of prepared.warnings) sink.warn(warning);
  const steps = new StepBudget(limits.maxSteps);
  const shared = { model, summaryModel, limits, steps, autoSummarize };
  const task = taskTool({
    turn: { ...shared, tools: prepared.tools, systemPrompt: instructions, circumstances },
    ports: { clock, ids, log },
    openChild: (title) => request.openChild(title),
    forgetSession: (child) => resources.forgetSession(child),
  });
  const { mode } = prepared.permissions;
  const tools = [...prepared.tools, task, exitPlanTool(prepared.permissions)];
  const outcome = await runTurn(
    {
      ...shared,
      sessionId,
      prompt,
      circumstances,
      history,
      signal,
      tools,
      env,
      workspacePath,
      isOffered: (tool) => isOfferedIn(mode(), tool),
      systemPrompt: instructions(tools),
      permissions: around.permissions,
      requestInput: (question, asking) => request.requestInput(question, asking),
      expand: (text) => servers.expand(text, signal, sessionId),
    },
    { sink, clock, ids, log },
  );
  // A cancelled turn is over when the jobs that it left in the background are, too.
  if (signal.aborted) await resources.endJobsOf(signal);
  return outcome;
}
