// Random histories of several servers over one database, with runs that go on after a loss and runs that
// do not. A failure prints its seed and path; `TURNWIRE_SEED` and `TURNWIRE_PATH` play it again,
// `TURNWIRE_HISTORIES` says how many.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { isLong } from "../crash/longRun.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { GoingOnHistory } from "./goingOnHistory.js";
import { goingOnStep } from "./goingOnStep.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parameters = {
  numRuns: Number(TURNWIRE_HISTORIES ?? (isLong ? 2000 : 30)),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
};

describe("the runs of several servers over one database", () => {
  it("do what the contract says in every history", {
    timeout: Math.max(60_000, parameters.numRuns * 2000),
  }, async () => {
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(goingOnStep, { minLength: 10, maxLength: 60, size: "max" }),
        async (history) => {
          const folder = temporaryFolder();
          try {
            const play = new GoingOnHistory(folder.path);
            for (const step of history) await play.take(step);
            await play.finish();
            steps += history.length;
          } finally {
            folder.remove();
          }
        },
      ),
      parameters,
    );
    expect(steps).toBeGreaterThan(parameters.numRuns);
  });
});
