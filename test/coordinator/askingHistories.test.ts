// Random histories of questions over several servers: answered late, twice, in another window or server,
// after a cancel, a rewind or a loss. A failure prints its seed and path; `TURNWIRE_SEED` and
// `TURNWIRE_PATH` play it again, `TURNWIRE_HISTORIES` says how many.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { isLong } from "../crash/longRun.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { AskingHistory } from "./askingHistory.js";
import { type AskingStep, askingStep } from "./askingStep.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parameters = {
  numRuns: Number(TURNWIRE_HISTORIES ?? (isLong ? 2000 : 20)),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
};

const timeout = Math.max(240_000, parameters.numRuns * 2000);

describe("questions over the loss of connections and servers are as the contract says", () => {
  it("in histories that are the same each time", { timeout }, () => play({ numRuns: 20, seed: 1 }));

  it("in histories that are new each time", { timeout }, () => play(parameters));
});

async function play(parameters: fc.Parameters<[AskingStep[]]>): Promise<void> {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(askingStep, { minLength: 10, maxLength: 60, size: "max" }),
      async (history) => {
        const folder = temporaryFolder();
        try {
          const play = new AskingHistory(folder.path);
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
  expect(steps).toBeGreaterThan(0);
}
