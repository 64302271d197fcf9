// Questions that wait, in random histories: `TURNWIRE_SEED` and `TURNWIRE_PATH` play one again,
// `TURNWIRE_HISTORIES` says how many.
import fc from "fast-check";
import { expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { QuestionHistory, questionStep } from "./questionModel.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;
const numRuns = Number(TURNWIRE_HISTORIES ?? 40);

it("settles once, by an answer that was given, or when its time is over, in every history", {
  timeout: Math.max(120_000, numRuns * 2000),
}, async () => {
  let settled = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(questionStep, { minLength: 5, maxLength: 30, size: "max" }),
      async (steps) => {
        const folder = temporaryFolder();
        const history = new QuestionHistory(folder.path);
        try {
          for (const taken of steps) await history.take(taken);
          await history.end();
          settled++;
        } finally {
          history.close();
          folder.remove();
        }
      },
    ),
    {
      numRuns,
      ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
      ...defined({ path: TURNWIRE_PATH }),
    },
  );
  expect(settled).toBeGreaterThanOrEqual(TURNWIRE_PATH === undefined ? numRuns : 0);
});
