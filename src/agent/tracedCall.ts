import { telemetry, traced } from "../base/telemetry.js";
import type { Tool } from "../tools/tool.js";
import type { Settled } from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";

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
export function tracedEnvironment(
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const here = telemetry()?.carrier();
  if (here === undefined) return env;
  const { TRACESTATE: _, ...others } = env;
  const state = here.tracestate === undefined ? undefined : { TRACESTATE: here.tracestate };
  return { ...others, TRACEPARENT: here.traceparent, ...state };
}
