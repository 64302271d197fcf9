import { expect } from "vitest";
import type { ServerNotification } from "../../src/protocol/registry.js";

/** Everything else of a run was sent before its completion (protocol.md section 5). */
export function expectCompletionsLast(wire: readonly ServerNotification[]): void {
  const over = new Set<string>();
  for (const { method, params } of wire) {
    const runId = "runId" in params ? params.runId : undefined;
    if (method === "runComplete" && runId !== undefined) over.add(runId);
    else if (runId !== undefined) expect(over.has(runId), `${method} of ${runId}`).toBe(false);
  }
}
