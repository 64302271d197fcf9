import { defined } from "../base/defined.js";
import type { Log } from "../base/log.js";
import { telemetry, traced } from "../base/telemetry.js";
import type { Tool } from "../tools/tool.js";
import type { Settled } from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";
import type { TurnInput } from "./turn.js";

/** Carries out a call, under a span if telemetry is on. */
export function tracedCall(
  { name, toolCallId, input }: RequestedCall,
  tool: Tool | undefined,
  run: () => Promise<Settled>,
): Promise<Settled> {
  return traced(
    "tool",
    () => ({
      name,
      toolCallId,
      description: tool?.description,
      input: input.ok ? input.value : input.text,
    }),
    () => run(),
    ({ state, output }) => ({ state, output }),
  );
}

/**
 * The environment of a call's programs. If telemetry is on, they are told where they belong in the trace,
 * as OpenTelemetry's specification has it for environment variables.
 */
function tracedEnvironment(env: TurnInput["env"]): TurnInput["env"] {
  const here = telemetry()?.carrier();
  if (here === undefined) return env;
  const { TRACESTATE: _, ...others } = env;
  const state = here.tracestate === undefined ? undefined : { TRACESTATE: here.tracestate };
  return { ...others, TRACEPARENT: here.traceparent, ...state };
}

/** What every call of a turn gets. */
export function surroundingsOf(
  { workspacePath, sessionId, keeper, files, env }: TurnInput,
  log: Log,
) {
  return {
    workspacePath,
    sessionId,
    env: tracedEnvironment(env),
    log,
    ...defined({ keeper, files }),
  };
}
