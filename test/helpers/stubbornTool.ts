// A turn that is cancelled and yet takes its time: its command ends when the test lets it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LoopbackProvider, reply } from "./loopbackProvider.js";
import { makeFolder } from "./serverProcess.js";
import type { WireSession } from "./wireSession.js";

/** A command that was told to end and has not yet; `release` lets it. */
export interface StubbornTurn {
  release(): void;
}

/** Begins a turn on the session whose tool outlives its cancel until it is released (or for a second and a half). */
export async function beginStubbornTurn(
  session: WireSession,
  provider: LoopbackProvider,
  runId: string,
): Promise<StubbornTurn> {
  const go = join(makeFolder(), "go");
  const wait = `while [ ! -e ${go} ]; do sleep 0.02; done; exit 0`;
  const command = `trap '${wait}' TERM; echo begun; while :; do sleep 0.02; done`;
  provider.enqueue(reply().toolCall("bash", { command }));
  await session.send("run it", runId);
  await session.server.event("messageDelta", { runId, kind: "toolOutput" });
  return { release: () => writeFileSync(go, "") };
}
