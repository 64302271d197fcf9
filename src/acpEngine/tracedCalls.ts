// The calls that an engine reports, as spans (docs/telemetry.md).
import { Deferred } from "../base/deferred.js";
import { type TracedWork, telemetry, traced } from "../base/telemetry.js";
import type { ToolCallFields } from "./toolCallFields.js";

/** Ends the span of a call. */
export type EndCall = (state: TracedWork["tool"]["ended"]["state"]) => void;

/**
 * Tells telemetry of the calls of the turn in which this is called: an agent's updates come from a pipe,
 * and belong to no run by themselves. What is returned begins the span of a call.
 */
export function tracedCalls(): (fields: ToolCallFields) => EndCall {
  const within = telemetry()?.here();
  return (fields) => {
    if (within === undefined) return () => {};
    const over = new Deferred<TracedWork["tool"]["ended"]>();
    const begun = () => ({ ...toldOf(fields), toolCallId: fields.id, isElsewhere: true });
    // It cannot reject: what it waits for does not, and what telemetry itself does wrong it swallows.
    void within(() =>
      traced(
        "tool",
        begun,
        () => over.promise,
        (ended) => ended,
      ),
    );
    // What an agent calls a tool, and with what, may be known later than that it does.
    return (state) => over.resolve({ ...toldOf(fields), state, output: fields.output });
  };
}

function toldOf({ name, input }: ToolCallFields) {
  return { name, input };
}
