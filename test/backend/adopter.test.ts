import { expect, it } from "vitest";
import { Adopter, type AdopterOptions } from "../../src/backend/adopter.js";
import { silentLog } from "../../src/base/log.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

it("takes sessions over though one before them cannot be", async () => {
  const clock = new VirtualScheduler();
  const adopted: string[] = [];
  const coordinator = {
    adopt(sessionId: string) {
      if (sessionId === "bad") throw new Error("nobody can read it");
      adopted.push(sessionId);
      return true;
    },
    dropLost: () => {},
  };
  const options = {
    workspaces: { list: () => [{ id: "ws", isClosing: false, coordinator }] },
    goingOn: { waitingSessions: () => ["bad", "good"].filter((id) => !adopted.includes(id)) },
    database: { dataVersion: 1 },
    hasOthers: () => false,
    recoverDead: () => {},
    endOld: () => {},
    waitingDays: () => 7,
    clock,
    log: silentLog,
  } as unknown as AdopterOptions;
  const adopter = new Adopter(options);
  await clock.advance(1000);
  adopter.close();
  expect(adopted).toEqual(["good"]);
});
