// What a completion and `getRun` tell about the present state of the session (protocol.md section
// 5).
import { defined } from "../base/defined.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import type { SessionStore } from "../storage/sessionStore.js";

/** The state of a run and of its session; without the session if that is gone. */
export function runStanding(
  { runs, sessions }: { readonly runs: RunStore; readonly sessions: SessionStore },
  run: Pick<RunRow, "position" | "workspaceId" | "sessionId">,
) {
  const session = sessions.find(run.workspaceId, run.sessionId);
  return {
    steps: runs.steps(run.position),
    ...defined({
      sessionTitle: session?.title,
      contextTokens: session?.contextTokens,
      contextWindow: session?.contextWindow || undefined,
    }),
  };
}
