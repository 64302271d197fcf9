import { queueOf, type RunRef, type SessionState } from "./sessionState.js";

/** The runs that a `cancelSession` stops (protocol.md section 4); `joined` end with the running turn. */
export function coveredBy(
  state: SessionState,
  joined: readonly RunRef[],
): { runId?: string; was: "running" | "accepted" | "queued" }[] {
  const queued = queueOf(state).map((run) => ({ ...idOf(run), was: "queued" as const }));
  if (state.tag !== "running") return queued;
  const own = { ...idOf(state.run), was: state.hasBegun ? "running" : "accepted" } as const;
  return [own, ...joined.map((run) => ({ ...idOf(run), was: "running" as const })), ...queued];
}

function idOf({ runId }: RunRef): { runId?: string } {
  return runId === undefined ? {} : { runId };
}
