import { type Clock, sleep } from "../base/clock.js";
import type { EngineAgent } from "./engineAgent.js";

/** How long an agent has to end a turn that was cancelled. */
const patienceMs = 10_000;

/**
 * Asks an agent to stop, and ends it with all its processes if it does not.
 *
 * @param answered the prompt's answer. How it ends does not matter.
 */
export async function cancelPrompt(
  agent: EngineAgent,
  sessionId: string,
  answered: Promise<unknown>,
  clock: Clock,
): Promise<void> {
  agent.notify("session/cancel", { sessionId });
  const enough = new AbortController();
  const patience = sleep(clock, patienceMs, enough.signal).then(() => "silent");
  const settled = answered.then(
    () => "answered",
    () => "answered",
  );
  const how = await Promise.race([settled, patience]);
  enough.abort();
  patience.catch(() => {});
  if (how === "silent") await agent.end();
}
