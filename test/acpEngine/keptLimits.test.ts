// A turn of an agent that goes on after the loss of its server keeps its limits: what it had used counts on.
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { TurnProgress } from "../../src/base/turnProgress.js";
import type { Limits } from "../../src/config/types.js";
import type { BegunTurn } from "../../src/engine/engine.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { type MemoryAgent, MemoryAgents } from "../helpers/memoryAgents.js";
import { inVirtualTime, MemorySession, memoryEngine } from "../helpers/memoryEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const none: TurnProgress = { steps: 0, tokens: 0, costUsd: 0, ms: 0, denials: 0 };

/** An agent that does `act` at each prompt. */
function house(limits: Partial<Limits>, act: (program: MemoryAgent, own: string) => void) {
  const clock = new VirtualScheduler();
  const agents = new MemoryAgents();
  agents.handlers["session/prompt"] = (program, id, { sessionId }) => {
    const own = String(sessionId);
    program.prompts.set(own, { id, sessionId: own, isCancelled: false });
    act(program, own);
  };
  const session = new MemorySession(memoryEngine(agents.start, clock), "s", limits);
  /** Goes on with a turn that had come so far; an agent that is new to it began it. */
  const goOn = (progress?: TurnProgress, calls: Part[] = []) => {
    agents.sessions.set("own-old", []);
    const begun = [
      session.sink.createMessage({ role: "user", parts: [{ type: "text", text: "do it" }] }),
      session.sink.createMessage({ role: "assistant", provider: "scripted", parts: calls }),
    ].map(({ id, role, parts }) => ({ id, role, parts }));
    session.note = defined({ engine: "scripted", id: "own-old", upTo: begun[0]?.id });
    const ids = new Set(begun.map(({ id }) => id));
    const turn: BegunTurn = { messages: begun, ids, mayStillRun: false, ...defined({ progress }) };
    return session.start("do it", turn).outcome;
  };
  return { clock, agents, session, goOn };
}

function cost(program: MemoryAgent, own: string, amount: number) {
  const told = { used: 1, size: 100, cost: { amount, currency: "USD" } };
  program.update(own, { sessionUpdate: "usage_update", ...told });
}

const denied = (toolCallId: string): Part => ({
  type: "toolCall",
  toolCallId,
  name: "other",
  input: {},
  state: "denied",
});

describe("a turn of an agent notes how far it has come", () => {
  it("when a call has ended, when a message follows another, and when it has cost more", async () => {
    const counts: number[] = [];
    const { clock, session } = house({ maxCostUsd: 10 }, (program, own) => {
      const count = () => counts.push(session.sink.progress.length);
      program.chunk(own, "I look");
      count();
      program.update(own, { sessionUpdate: "tool_call", toolCallId: "a", status: "in_progress" });
      count();
      program.update(own, {
        sessionUpdate: "tool_call_update",
        toolCallId: "a",
        status: "completed",
      });
      count();
      cost(program, own, 0.5);
      count();
      cost(program, own, 0.5);
      count();
      const said = (messageId: string) => ({ messageId, content: { type: "text", text: "so" } });
      program.update(own, { sessionUpdate: "agent_message_chunk", ...said("x") });
      count();
      program.update(own, { sessionUpdate: "agent_message_chunk", ...said("y") });
      count();
      program.answer(own);
    });
    await inVirtualTime(clock, session.start("do it").outcome);
    expect(counts).toEqual([0, 0, 1, 2, 2, 2, 3]);
    expect(session.sink.progress.at(-1)).toEqual({ ...none, costUsd: 0.5 });
    expect(session.sink.usages.map((usage) => usage.cost)).toEqual([0.5]);
  });
});

describe("a turn that goes on with an agent", () => {
  it("has only the seconds that were left", async () => {
    const { clock, goOn, session } = house({ maxSeconds: 100 }, (program, own) => {
      program.callTool(own);
    });
    const begun = clock.now();
    expect(await inVirtualTime(clock, goOn({ ...none, ms: 70_000 }))).toMatchObject({
      errorName: "TimeLimit",
    });
    // An agent that does not answer the cancel is ended after ten seconds.
    expect(clock.now() - begun).toBeLessThanOrEqual(41_000);
    expect(session.sink.progress[0]?.ms).toBeGreaterThanOrEqual(70_000);
  });

  it("has only the money that was left", async () => {
    const { clock, goOn, session } = house({ maxCostUsd: 1 }, (program, own) => {
      cost(program, own, 5);
      cost(program, own, 5.5);
    });
    expect(await inVirtualTime(clock, goOn({ ...none, costUsd: 0.75 }))).toMatchObject({
      errorName: "BudgetExceeded",
      error: expect.stringContaining("it has cost $1.2500"),
    });
    expect(session.sink.progress.at(-1)?.costUsd).toBe(1.25);
  });

  it("is not sent a prompt if its money is spent", async () => {
    const { clock, goOn, agents, session } = house({ maxCostUsd: 1 }, () => {});
    const outcome = await inVirtualTime(clock, goOn({ ...none, costUsd: 1 }));
    expect(outcome).toMatchObject({ errorName: "BudgetExceeded" });
    expect(agents.calls("session/prompt")).toEqual([]);
    expect(session.sink.warnings).toEqual([]);
  });

  it("has only the refusals that were left, and tells of all", async () => {
    const { clock, goOn, session } = house({ maxDenials: 3 }, (program, own) => {
      void program.askPermission(own);
    });
    session.ask = async () => ({ decision: "deny" });
    const before = goOn({ ...none, denials: 4 }, [denied("a"), denied("b")]);
    expect(await inVirtualTime(clock, before)).toMatchObject({
      errorName: "PermissionDenied",
      denials: 5,
    });
  });

  it("counts the refusals in a row from the last call that was not refused", async () => {
    const { clock, goOn, session } = house({ maxDenials: 3 }, (program, own) => {
      void program.askPermission(own).then(() => program.answer(own));
    });
    session.ask = async () => ({ decision: "deny" });
    const done = { ...denied("b"), state: "completed" } as Part;
    const outcome = goOn({ ...none, denials: 1 }, [denied("a"), done]);
    expect(await inVirtualTime(clock, outcome)).toMatchObject({ status: "succeeded", denials: 2 });
    expect(session.sink.progress.at(-1)?.denials).toBe(2);
  });
});
