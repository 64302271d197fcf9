// Random histories of a workspace, against the model in `sessionModel.ts`. A failure prints its seed
// and path; `TURNWIRE_SEED` and `TURNWIRE_PATH` play it again, `TURNWIRE_HISTORIES` says how many.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { History } from "./history.js";
import { stepArbitrary } from "./historyStep.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parameters = {
  numRuns: Number(TURNWIRE_HISTORIES ?? 150),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
};

describe("the runs of a workspace", () => {
  it("do what the contract says in every history", {
    timeout: Math.max(60_000, parameters.numRuns * 200),
  }, async () => {
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { minLength: 10, maxLength: 120, size: "max" }),
        fc.boolean(),
        async (history, stopsAtOnce) => {
          const folder = temporaryFolder();
          try {
            const play = new History(folder.path, stopsAtOnce);
            for (const step of history) {
              // No `await` where none is needed: what is told in one breath is one race.
              const taken = play.take(step);
              if (taken !== undefined) await taken;
            }
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
