// What the tests of taking back (protocol.md section 4) do with a session on the built server.
import { expect } from "vitest";
import type { WireSession } from "./wireSession.js";

/** A step of the offline model that calls a tool. */
export const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
export const write = (path: string, content: string) => tool("write", { path, content });
export const read = (path: string) => tool("read", { path });

let runs = 0;

/** Runs steps of the offline model in one turn, which succeeds; returns its id. */
export async function runSteps(session: WireSession, ...steps: string[]): Promise<string> {
  const runId = `steps-${runs++}`;
  const completion = await session.run([...steps, "@say done"].join("\n"), runId);
  expect(completion.status).toBe("succeeded");
  return runId;
}

/** `rewindSession` of the session. */
export const rewind = (session: WireSession, params: object) =>
  session.server.call("rewindSession", { ...session.ids, ...params });
