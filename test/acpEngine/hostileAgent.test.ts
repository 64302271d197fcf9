// An agent that sends what makes no sense in a turn: the turn ends as its own answer says.
import { expect, it } from "vitest";
import { type MemoryAgent, MemoryAgents } from "../helpers/memoryAgents.js";
import { inVirtualTime, MemorySession, memoryEngine } from "../helpers/memoryEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

/** Runs a prompt in which the agent does this before it answers. */
async function run(act: (program: MemoryAgent, sessionId: string) => void) {
  const clock = new VirtualScheduler();
  const agents = new MemoryAgents();
  const session = new MemorySession(memoryEngine(agents.start, clock));
  agents.handlers["session/prompt"] = (program, id, { sessionId }) => {
    act(program, String(sessionId));
    program.tell({ id, result: { stopReason: "end_turn" } });
  };
  const outcome = await inVirtualTime(clock, session.start("go").outcome);
  return { outcome, session, program: agents.programs[0] };
}

it("may stream 100,000 tiny chunks: they are one text", async () => {
  const { outcome, session } = await run((program, id) => {
    for (let at = 0; at < 100_000; at++) program.chunk(id, "x");
  });
  expect(outcome).toMatchObject({ status: "succeeded", text: "x".repeat(100_000) });
  expect(session.sink.messages).toHaveLength(2);
});

it("may tell what is new of a call before the call", async () => {
  const { outcome, session } = await run((program, id) => {
    const toolCallId = "c";
    program.update(id, { sessionUpdate: "tool_call_update", toolCallId, status: "in_progress" });
    const call = { toolCallId, title: "Look", kind: "read", status: "completed" };
    program.update(id, { sessionUpdate: "tool_call", ...call });
  });
  expect(outcome.status).toBe("succeeded");
  const parts = session.sink.messages.flatMap(({ parts: own }) => own);
  const calls = parts.filter(({ type }) => type === "toolCall");
  expect(calls).toMatchObject([{ toolCallId: "c", state: "completed" }]);
});

it("gets no permission in a session on which no turn runs, and nothing of it is told", async () => {
  const answers: unknown[] = [];
  const { outcome, session } = await run((program) => {
    const toolCall = { toolCallId: "c", title: "Other", kind: "execute" };
    const options = [{ optionId: "yes", name: "Allow", kind: "allow_once" }];
    const params = { sessionId: "another", toolCall, options };
    void program
      .ask("session/request_permission", params)
      .then(({ result }) => answers.push(result));
    program.chunk("another", "foreign");
  });
  expect(outcome).toMatchObject({ status: "succeeded", text: "" });
  expect(answers).toEqual([{ outcome: { outcome: "cancelled" } }]);
  expect(JSON.stringify(session.sink.messages)).not.toMatch(/foreign|Other/);
});

it("may answer twice, what was not asked, and with ids of any kind", async () => {
  const { outcome } = await run((program, id) => {
    for (const odd of [4711, "1", null, {}, [], -1, 1.5]) {
      program.tell({ id: odd, result: { stopReason: "refusal" } });
      program.tell({ id: odd, error: { code: 1, message: "no" } });
    }
    // The answer to `initialize`, once more.
    program.tell({ id: 1, result: { protocolVersion: 9 } });
    program.chunk(id, "said");
  });
  expect(outcome).toMatchObject({ status: "succeeded", text: "said" });
});
