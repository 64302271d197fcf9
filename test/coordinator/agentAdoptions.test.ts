// A turn of an agent's program that is taken over again and again: it ends if the agent comes no further.
import { afterEach, beforeEach, expect, it } from "vitest";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { AcpGatedTurn, GatedAcpEngine } from "../helpers/gatedAcpEngine.js";
import { AgentDisk, MemoryAgents } from "../helpers/memoryAgents.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Loses a server `losses` times; before each loss the agent may finish a call. Returns the last server. */
async function lose(losses: number, finishesCalls: boolean): Promise<CoordinatorHouse> {
  const ids = new CountingIds();
  const disk = new AgentDisk();
  const open = () => {
    const clock = new VirtualScheduler();
    const engine = new GatedAcpEngine(new MemoryAgents({}, disk), clock, ["s"]);
    engine.opensAtGates = false;
    const commands = { own: "server", end: async () => true as const };
    const house = new CoordinatorHouse({ directory: folder.path, ids, clock, engine, commands });
    return { house, engine, clock };
  };
  for (let loss = 0; loss < losses; loss++) {
    const { house, engine, clock } = open();
    if (loss > 0) house.coordinator.adopt("s");
    else {
      house.session("s");
      house.accept("s", { runId: "a", goesOn: true });
    }
    await clock.settle();
    engine.preparing.ready();
    await clock.settle();
    // A session that was loaded is quiet for a moment before it gets its prompt.
    for (let step = 0; step < 20 && clock.pending > 0; step++) {
      const turn = engine.live().at(-1);
      if (turn instanceof AcpGatedTurn && turn.hasPrompt) break;
      clock.fireNext();
      await clock.settle();
    }
    if (finishesCalls) engine.turnOf("s").call();
    await clock.settle();
    engine.vanish();
    house.crash();
  }
  const { house } = open();
  house.coordinator.adopt("s");
  await house.clock.settle();
  return house;
}

it("is not poisoned while the agent finishes calls between the losses", async () => {
  const house = await lose(6, true);
  expect(house.row("a")).toMatchObject({ state: "running", continuations: 6 });
  await house.close();
});

it("is poisoned at the fourth time without a finished step between", async () => {
  const house = await lose(4, false);
  expect(house.completion("a")).toMatchObject({ status: "interrupted", errorName: "Poisoned" });
  await house.close();
});
