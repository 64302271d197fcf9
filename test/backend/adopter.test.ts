import { expect, it } from "vitest";
import { Adopter, type AdopterOptions } from "../../src/backend/adopter.js";
import { silentLog } from "../../src/base/log.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

/** An adopter whose one workspace has two sessions that wait: of the first, nobody can take over. */
function opened() {
  const clock = new VirtualScheduler();
  const adopted: string[] = [];
  const dropped: number[] = [];
  const coordinator = {
    adopt(sessionId: string) {
      if (sessionId === "bad") throw new Error("nobody can read it");
      adopted.push(sessionId);
      return true;
    },
    dropLost: () => dropped.push(clock.now()),
  };
  const options = {
    workspaces: { list: () => [{ id: "ws", isClosing: false, coordinator }] },
    goingOn: { waitingSessions: () => ["bad", "good"].filter((id) => !adopted.includes(id)) },
    database: { dataVersion: 1 },
    hasOthers: () => false,
    recoverDead: () => {},
    noteAlive: () => {},
    endOld: () => {},
    waitingDays: () => 7,
    clock,
    log: silentLog,
  } as unknown as AdopterOptions;
  return { adopter: new Adopter(options), clock, adopted, dropped };
}

it("takes sessions over though one before them cannot be", async () => {
  const { adopter, clock, adopted } = opened();
  await clock.advance(1000);
  adopter.close();
  expect(adopted).toEqual(["good"]);
});

it("takes nothing over in a server that only ends its own runs, and still drops what it has lost", async () => {
  const { adopter, clock, adopted, dropped } = opened();
  adopter.takeNoMore();
  adopter.wake();
  await clock.advance(5000);
  adopter.close();
  expect(adopted).toEqual([]);
  expect(dropped).toHaveLength(1);
});
