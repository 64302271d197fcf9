// Runs a prepared turn to its end. Puts together the tools, bounds and permissions of one run.
import { RunBudget } from "../agent/runBudget.js";
import { runTurn } from "../agent/runTurn.js";
import { taskTool } from "../agent/subTask.js";
import type { AgentSurroundings, TurnInput } from "../agent/turn.js";
import { defined } from "../base/defined.js";
import { RunTime } from "../base/runTime.js";
import type { ToolServers } from "../mcp/toolServers.js";
import { canBeAllowed } from "../permissions/index.js";
import type { Permissions } from "../permissions/types.js";
import { exitPlanTool, isOfferedIn } from "../tools/exitPlan.js";
import type { ToolResources } from "../tools/index.js";
import type { SessionState } from "../tools/sessionState.js";
import type { Tool } from "../tools/tool.js";
import { tellState } from "./circumstances.js";
import { clientTools } from "./clientTool.js";
import type { SessionBegin, TurnOutcome, TurnRequest } from "./engine.js";
import { fittingTools } from "./offeredTools.js";
import type { OutputCheck } from "./output/checkOutput.js";
import { finalOutputOf, outputAdvice } from "./output/outputOf.js";
import type { Preparation } from "./preparation.js";
import { runBounds } from "./runBounds.js";
import { inStableOrder, systemPrompt } from "./systemPrompt.js";
import { ruledBy, type WorkspaceInstructions } from "./workspaceInstructions.js";

/** What the turns of a workspace share, and the function that makes the permissions of this one. */
export interface TurnSurroundings extends AgentSurroundings {
  readonly workspacePath: string;
  readonly resources: ToolResources;
  readonly servers: ToolServers;
  readonly instructions: WorkspaceInstructions;
  readonly output: OutputCheck;
  /** The permissions of the turn. Their questions go through `request`. */
  permissionsOf(request: TurnRequest): Permissions;
}

/** Runs a prepared turn, like `Turn.run`. */
export async function runPrepared(
  prepared: Preparation,
  given: TurnRequest,
  around: TurnSurroundings,
): Promise<TurnOutcome> {
  const { clock, ids, log, resources } = around;
  const time = new RunTime(clock, boundsOf(prepared).seconds, given.begun?.progress?.ms);
  const signal = time.endOf(given.signal);
  const request: TurnRequest = {
    ...given,
    signal,
    ask: (...question) => time.whileWaiting(() => given.ask(...question)),
    requestInput: (...question) => time.whileWaiting(() => given.requestInput(...question)),
  };
  // A cancelled run is reported as cancelled, even if its time is over too.
  const overTime = () => (given.signal.aborted ? undefined : time.exceeded);
  for (const warning of prepared.warnings) given.sink.warn(warning);
  try {
    const ofClient = await clientTools(request, prepared.config.limits.toolSeconds);
    const input = turnInput(prepared, request, { ...around, ofClient }, overTime);
    return await runTurn(
      { ...input, usedMs: () => time.usedMs },
      { sink: given.sink, clock, ids, log },
    );
  } finally {
    time.end();
    // A stopped turn ends only when its background jobs have ended too.
    if (signal.aborted) await resources.endJobsOf(signal);
  }
}

function turnInput(
  prepared: Preparation,
  request: TurnRequest,
  around: TurnSurroundings & { readonly ofClient: readonly Tool[] },
  overTime: () => ReturnType<NonNullable<TurnInput["overTime"]>>,
): TurnInput {
  const { workspacePath, resources, servers, clock, ids, log } = around;
  const { large: model, summaryModel, config, env, options = {} } = prepared;
  const { sessionId, prompt, signal } = request;
  const { begin, circumstances, history, begun } = told(request, prepared);
  const prompted = promptOf(workspacePath, begin, options.instructions);
  const { limits, autoSummarize } = config;
  const budget = new RunBudget(boundsOf(prepared), begun?.progress);
  const shared = { model, summaryModel, limits, budget, overTime, autoSummarize };
  const session = { sessionId, history, begin, config: ruledBy(config, prepared.options) };
  const ownTools = narrowed(prepared, around.instructions.tools(prepared.tools, prepared, session));
  const task = taskTool({
    turn: { ...shared, tools: ownTools, systemPrompt: prompted, circumstances },
    ports: { clock, ids, log },
    openChild: (title) => request.openChild(title),
    forgetSession: (child) => resources.forgetSession(child),
  });
  const { mode } = prepared.permissions;
  const ofTurn = narrowed(prepared, [task, exitPlanTool(prepared.permissions)]);
  const { outputSchema } = options;
  const output = outputSchema && finalOutputOf(outputSchema, around.output);
  // No rule can be about this tool, because the run has to end with it.
  const ofClient = narrowed(prepared, around.ofClient);
  const tools = fittingTools(
    {
      own: ownTools,
      ofTurn: [...ofTurn, ...(output === undefined ? [] : [output.tool])],
      ofClient: inStableOrder(ofClient),
      isOffered: (tool) => isOfferedIn(mode(), tool),
    },
    (warning) => request.sink.warn(warning),
  );
  const advice = outputSchema === undefined ? [] : [outputAdvice(outputSchema)];
  return {
    ...shared,
    sessionId,
    prompt,
    circumstances,
    history,
    signal,
    ...fromServer(request, begun),
    memory: remembered(resources.session(sessionId), begun),
    tools,
    env,
    workspacePath,
    isOffered: (tool) => isOfferedIn(mode(), tool),
    systemPrompt: [prompted([...ownTools, ...ofTurn]), ...advice].join("\n\n"),
    ...defined({ output }),
    permissions: around.permissionsOf(request),
    requestInput: (question, asking) => request.requestInput(question, asking),
    expand: async (text) =>
      (await around.instructions.expand(text, prepared.skills)) ??
      (await servers.expand(text, signal, sessionId)),
  };
}

/** What the model is told, and the history as it may see it, also that of a turn which goes on. */
function told({ history, begun }: TurnRequest, { state }: Preparation) {
  const { history: all, ...rest } = tellState([...history, ...(begun?.messages ?? [])], state);
  const messages = all.slice(history.length);
  return {
    ...rest,
    history: all.slice(0, history.length),
    begun: begun && { ...begun, messages },
  };
}

/** What the server gives a turn besides its prompt. */
function fromServer({ keeper, files, goesOn, parking }: TurnRequest, begun: TurnRequest["begun"]) {
  return defined({ keeper, files, goesOn, parking, begun });
}

/** What the tools remember: what those of the lost server did, as the model does from their results. */
function remembered(session: SessionState, begun: TurnRequest["begun"]) {
  const before = begun?.progress?.memory;
  if (before !== undefined) session.restore(before);
  return () => session.memory;
}

/** The system prompt of the one that has these tools: the turn, or a sub-task of it. */
function promptOf(workspacePath: string, begin: SessionBegin, ofRun: string | undefined) {
  return (tools: readonly Tool[]) =>
    systemPrompt({
      workspacePath,
      platform: process.platform,
      begin,
      tools: tools.map(({ name }) => name),
      ...defined({ ofRun }),
    });
}

/** The tools that the run's own rules can allow. */
function narrowed({ options, config }: Preparation, tools: readonly Tool[]): readonly Tool[] {
  const rules = options?.tools;
  if (rules === undefined) return tools;
  return tools.filter(({ name }) => canBeAllowed(rules, config.permissionRules.deny, name));
}

function boundsOf({ options = {}, config }: Preparation) {
  return runBounds(options, config.limits);
}
