// An agent that runs wild with its messages.
import { expect, it } from "vitest";
import { MemoryAgents } from "../helpers/memoryAgents.js";
import { inVirtualTime, MemorySession, memoryEngine } from "../helpers/memoryEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const mebibyte = 1024 * 1024;

/** A turn that has begun. */
async function begun() {
  const clock = new VirtualScheduler();
  const agents = new MemoryAgents();
  const session = new MemorySession(memoryEngine(agents.start, clock), "s");
  const { outcome } = session.start("go");
  await clock.settle();
  const agent = agents.running;
  if (agent === undefined) throw new Error("no agent runs");
  return { agent, session, end: () => inVirtualTime(clock, outcome) };
}

it("keeps so much text of a turn, thoughts too, and warns once of the rest", async () => {
  const { agent, session, end } = await begun();
  agent.chunk("own-0", "t".repeat(mebibyte), "agent_thought_chunk");
  for (let count = 0; count < 5; count++) agent.chunk("own-0", "x".repeat(mebibyte));
  agent.answer("own-0");
  const { status, text } = await end();
  expect([status, text.length]).toEqual(["succeeded", 3 * mebibyte]);
  expect(session.sink.warnings).toEqual([
    expect.stringMatching(/said more than 4 MiB in one turn; the rest was left out/),
  ]);
});

it("begins so many messages of a turn, and lets the last one grow", async () => {
  const { agent, session, end } = await begun();
  for (let count = 0; count < 10_500; count++) {
    const content = { type: "text", text: "y" };
    const messageId = `m${count}`;
    agent.update("own-0", { sessionUpdate: "agent_message_chunk", messageId, content });
  }
  agent.answer("own-0");
  expect(await end()).toMatchObject({ status: "succeeded", text: "y".repeat(501) });
  const own = session.sink.messages.filter(({ role }) => role === "assistant");
  expect(own).toHaveLength(10_000);
});
