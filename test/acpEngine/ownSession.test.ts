// An agent that does not open its own session again as it should: the prompt is never lost, and never
// sent twice, and what the agent replays reaches nobody.
import { describe, expect, it } from "vitest";
import { MemoryAgents } from "../helpers/memoryAgents.js";
import { inVirtualTime, MemorySession, memoryEngine } from "../helpers/memoryEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const idleSeconds = 60;

/** A session that has had a turn, and an agent that has ended since. */
async function house() {
  const clock = new VirtualScheduler();
  const agents = new MemoryAgents();
  const engine = memoryEngine(agents.start, clock);
  const session = new MemorySession(engine, "s", { providerIdleSeconds: idleSeconds });
  agents.answersAtOnce = true;
  const run = (text: string, begun?: Parameters<MemorySession["start"]>[1]) =>
    inVirtualTime(clock, session.start(text, begun).outcome);
  expect(await run("first")).toMatchObject({ status: "succeeded", text: "answered" });
  agents.running?.die();
  return { clock, agents, engine, session, run };
}

type House = Awaited<ReturnType<typeof house>>;

/** The run went on in a new session, which was told what was said, and got its prompt once. */
function expectNewSession({ agents, session }: House, why: RegExp): void {
  expect(session.sink.warnings).toEqual([expect.stringMatching(why)]);
  expect(session.sink.warnings[0]).toMatch(/could not go on in its own session .* a new one began/);
  const second = agents.seen.filter(({ text }) => text === "second");
  expect(second).toHaveLength(1);
  expect(second[0]?.all).toMatch(/User: first.*Assistant: answered/s);
  expect(second[0]?.sessionId).not.toBe("own-0");
  expect(session.note?.id).toBe(second[0]?.sessionId);
  expect(JSON.stringify(session.sink.messages)).not.toContain("REPLAYED");
}

describe("a session of the agent's own that", () => {
  it("is loaded: its replay reaches nobody, and the prompt is sent alone", async () => {
    const all = await house();
    expect(await all.run("second")).toMatchObject({ status: "succeeded", text: "answered" });
    expect(all.agents.seen.at(-1)).toMatchObject({ sessionId: "own-0", all: "second" });
    expect(all.session.sink.warnings).toEqual([]);
    expect(JSON.stringify(all.session.sink.messages)).not.toContain("REPLAYED");
  });

  it("is refused is replaced by a new one", async () => {
    const all = await house();
    all.agents.sessions.delete("own-0");
    expect(await all.run("second")).toMatchObject({ status: "succeeded" });
    expectNewSession(all, /no such session/);
    expect(all.agents.programs).toHaveLength(2);
  });

  it("is never answered is replaced by a new one, of an agent that listens", async () => {
    const all = await house();
    all.agents.handlers["session/load"] = () => {};
    const before = all.clock.now();
    expect(await all.run("second")).toMatchObject({ status: "succeeded" });
    expectNewSession(all, /sent nothing for 60 seconds/);
    expect(all.agents.programs).toHaveLength(3);
    expect(all.clock.now() - before).toBeLessThan(2 * idleSeconds * 1_000);
  });

  it("is told without end, with or without an answer, is replaced by a new one", async () => {
    for (const isAnswered of [false, true]) {
      const all = await house();
      all.agents.handlers["session/load"] = (program, id) => {
        const again = () => {
          if (program.isGone) return;
          program.chunk("own-0", "REPLAYED");
          all.clock.after(100, again);
        };
        again();
        if (isAnswered) program.tell({ id, result: {} });
      };
      expect(await all.run("second"), `answered: ${isAnswered}`).toMatchObject({
        status: "succeeded",
        text: "answered",
      });
      expectNewSession(all, /had not loaded it after 300 seconds/);
    }
  });

  it("takes long to be told, longer than an agent may be silent, is not given up", async () => {
    const all = await house();
    all.agents.handlers["session/load"] = (program, id, params) => {
      const go = (left: number) => {
        if (left === 0) return program.open(id, "session/load", params);
        program.chunk("own-0", "REPLAYED");
        all.clock.after(50_000, () => go(left - 1));
      };
      go(4);
    };
    expect(await all.run("second")).toMatchObject({ status: "succeeded", text: "answered" });
    expect(all.session.sink.warnings).toEqual([]);
    expect(all.agents.seen.at(-1)).toMatchObject({ sessionId: "own-0", all: "second" });
  });

  it("is told behind the answer: nothing of it is taken for the answer to the prompt", async () => {
    const all = await house();
    all.agents.handlers["session/load"] = (program, id) => {
      program.tell({ id, result: {} });
      for (const ms of [10, 150, 300, 450]) {
        all.clock.after(ms, () => {
          program.chunk("own-0", "old", "user_message_chunk");
          program.chunk("own-0", "REPLAYED");
          program.callTool("own-0");
        });
      }
    };
    expect(await all.run("second")).toMatchObject({ status: "succeeded", text: "answered" });
    expect(all.session.sink.warnings).toEqual([]);
    expect(JSON.stringify(all.session.sink.messages)).not.toContain("REPLAYED");
    expect(JSON.stringify(all.session.sink.messages)).not.toContain("toolCall");
  });

  it("is told under another id: nothing of it is taken", async () => {
    const all = await house();
    all.agents.handlers["session/load"] = (program, id) => {
      program.chunk("another", "REPLAYED");
      program.tell({ id, result: { sessionId: "another" } });
      program.chunk("another", "REPLAYED");
    };
    expect(await all.run("second")).toMatchObject({ status: "succeeded", text: "answered" });
    expect(all.agents.seen.at(-1)).toMatchObject({ sessionId: "own-0" });
    expect(JSON.stringify(all.session.sink.messages)).not.toContain("REPLAYED");
  });

  it("costs the agent its life is loaded once more, and then replaced by a new one", async () => {
    for (const deaths of [1, 2, 5]) {
      const all = await house();
      let left = deaths;
      all.agents.handlers["session/load"] = (program, id, params) => {
        left -= 1;
        if (left >= 0) program.die("it stumbled over it");
        else program.open(id, "session/load", params);
      };
      expect(await all.run("second")).toMatchObject({ status: "succeeded", text: "answered" });
      if (deaths > 1) expectNewSession(all, /it stumbled over it/);
      else expect(all.session.sink.warnings).toEqual([]);
      expect(all.agents.seen.filter(({ text }) => text === "second")).toHaveLength(1);
    }
  });

  it("wants a login: the run fails and says so, and the session stays", async () => {
    const all = await house();
    all.agents.handlers["session/load"] = (program, id) =>
      program.tell({ id, error: { code: -32000, message: "Authentication required" } });
    expect(await all.run("second")).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(all.session.note?.id).toBe("own-0");
    delete all.agents.handlers["session/load"];
    expect(await all.run("third")).toMatchObject({ status: "succeeded" });
    expect(all.agents.seen.at(-1)).toMatchObject({ sessionId: "own-0" });
  });
});

describe("the replay of a session", () => {
  /** An agent whose replay is what was said; `late` says how much of it comes behind the answer. */
  async function loading(said: readonly string[], late: number) {
    const all = await house();
    for (const text of said.slice(1)) await all.run(text);
    all.agents.running?.die();
    all.agents.handlers["session/load"] = (program, id) => {
      const steps = said.flatMap((text) => [
        () => program.chunk("own-0", text, "user_message_chunk"),
        () => program.callTool("own-0"),
        () => program.chunk("own-0", "answ"),
        () => program.chunk("own-0", "ered"),
      ]);
      for (const step of steps.slice(0, steps.length - late)) step();
      program.tell({ id, result: {} });
      all.clock.after(150, () => {
        for (const step of steps.slice(steps.length - late)) step();
      });
    };
    const before = all.clock.now();
    const outcome = await all.run("next");
    expect(outcome).toMatchObject({ status: "succeeded", text: "answered" });
    const shown = JSON.stringify(all.session.sink.messages);
    expect(shown.split("answered")).toHaveLength(said.length + 2);
    expect(shown).not.toContain("toolCall");
    return all.clock.now() - before;
  }

  it("costs no time where it ends before the answer", async () => {
    expect(await loading(["first"], 0)).toBe(0);
    expect(await loading(["first", "second"], 0)).toBe(0);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("is waited for where the last %i come later", async (late) => {
    // Every turn has the same reply: the end of an earlier one is not taken for that of the last.
    expect(await loading(["first", "second"], late)).toBeGreaterThanOrEqual(200);
  });
});

describe("a turn that a lost server has begun", () => {
  const begin = async () => {
    const all = await house();
    const { session } = all;
    const { id, role, parts } = session.sink.createMessage({
      role: "user",
      parts: [{ type: "text", text: "second" }],
    });
    session.note = { engine: "scripted", id: "own-0", upTo: id };
    const messages = [{ id, role, parts }];
    const ids = new Set([id, "cut-off"]);
    const goOn = (mayStillRun = false) => all.run("second", { messages, ids, mayStillRun });
    return { ...all, goOn };
  };

  it("goes on with a prompt of ours, and never the user's", async () => {
    const all = await begin();
    expect(await all.goOn()).toMatchObject({ status: "succeeded" });
    expect(all.agents.seen.at(-1)?.all).toMatch(/your work was cut off/);
    expect(all.agents.seen.filter(({ all: text }) => text.includes("second"))).toEqual([]);
  });

  it("goes on so too if the agent had ended it, and its last reply was cut off here", async () => {
    const all = await begin();
    all.session.note = { engine: "scripted", id: "own-0", upTo: "cut-off" };
    expect(await all.goOn()).toMatchObject({ status: "succeeded" });
    expect(all.agents.seen.at(-1)).toMatchObject({ sessionId: "own-0" });
    expect(all.agents.seen.at(-1)?.all).toMatch(/your work was cut off/);
    expect(all.agents.seen.filter(({ all: text }) => text.includes("second"))).toEqual([]);
  });

  it("is interrupted where processes of the old agent may still run", async () => {
    const all = await begin();
    const before = all.agents.seen.length;
    const programs = all.agents.programs.length;
    expect(await all.goOn(true)).toMatchObject({
      status: "interrupted",
      errorName: "Interrupted",
      cause: "crash",
      error: expect.stringContaining("processes of the engine scripted may still run"),
    });
    expect(all.agents.seen).toHaveLength(before);
    expect(all.agents.programs).toHaveLength(programs);
  });

  it.each([
    ["is refused", "no such session"],
    ["is never answered", "sent nothing for 60 seconds"],
    ["costs the agent its life", "it stumbled over it"],
  ])("is interrupted where the load %s", async (how, why) => {
    const all = await begin();
    all.agents.handlers["session/load"] = (program, id) => {
      if (how === "is refused") program.tell({ id, error: { code: 1, message: why } });
      else if (how !== "is never answered") program.die(why);
    };
    const before = all.agents.seen.length;
    expect(await all.goOn()).toMatchObject({
      status: "interrupted",
      errorName: "Interrupted",
      error: expect.stringContaining(why),
    });
    expect(all.agents.seen).toHaveLength(before);
  });
});
