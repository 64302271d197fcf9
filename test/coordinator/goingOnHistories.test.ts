// Random histories of several servers over one database, with runs that go on after a loss and runs that
// do not. A failure prints its seed and path; `TURNWIRE_SEED` and `TURNWIRE_PATH` play it again,
// `TURNWIRE_HISTORIES` says how many.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { isLong } from "../crash/longRun.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { GoingOnHistory } from "./goingOnHistory.js";
import { goingOnStep, sessionIds } from "./goingOnStep.js";
import { AgentTurns, type TurnsMaker } from "./goingOnTurns.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parametersFor = (usually: number) => ({
  numRuns: Number(TURNWIRE_HISTORIES ?? (isLong ? 2000 : usually)),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
});
const ofBuiltIn = parametersFor(30);
const ofAgents = parametersFor(20);
const timeout = ({ numRuns }: { readonly numRuns: number }) => Math.max(240_000, numRuns * 2000);

async function play(
  parameters: typeof ofAgents,
  maker: (traits: {
    readonly steers: boolean;
    readonly opensAtGates: boolean;
  }) => TurnsMaker | undefined,
): Promise<void> {
  let steps = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(goingOnStep, { minLength: 10, maxLength: 60, size: "max" }),
      fc.record({ steers: fc.boolean(), opensAtGates: fc.boolean() }),
      async (history, traits) => {
        const folder = temporaryFolder();
        try {
          const play = new GoingOnHistory(folder.path, maker(traits));
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
}

describe("the runs of several servers over one database", () => {
  it("do what the contract says in every history", { timeout: timeout(ofBuiltIn) }, async () => {
    await play(ofBuiltIn, () => undefined);
  });

  it("do so with the program of an agent too", { timeout: timeout(ofAgents) }, async () => {
    await play(ofAgents, (traits) => new AgentTurns(traits, sessionIds));
  });
});
