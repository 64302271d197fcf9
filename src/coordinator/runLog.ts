import { defined } from "../base/defined.js";
import { type Log, withFields } from "../base/log.js";
import type { AcceptedRun } from "./acceptedRun.js";

/** The log of a run: each of its lines says which run of which session it is. */
export function runLog({ request, ref }: AcceptedRun, { log }: { readonly log: Log }): Log {
  const { sessionId, runId } = request;
  return withFields(log, { sessionId, ...defined({ runId }), run: ref.position });
}
