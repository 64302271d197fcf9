// Random histories of a workspace, against the model in `sessionModel.ts`. A failure prints its seed
// and path; `TURNWIRE_SEED` and `TURNWIRE_PATH` play it again, `TURNWIRE_HISTORIES` says how many.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { isLong } from "../crash/longRun.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { History } from "./history.js";
import { type AgentTraits, HistoryAgent, stepWithAgent } from "./historyAgent.js";
import { stepArbitrary } from "./historyStep.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parametersFor = (usually: number) => ({
  numRuns: Number(TURNWIRE_HISTORIES ?? usually),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
});
/** With an agent's program, each of them takes twice as long. */
const ofAgents = parametersFor(isLong ? 2000 : 50);
const ofGates = parametersFor(150);

/** Plays histories of these steps, and returns how many steps that were. */
async function play(
  steps: typeof stepWithAgent,
  agentOf: (traits: AgentTraits) => HistoryAgent | undefined,
  parameters: ReturnType<typeof parametersFor>,
): Promise<void> {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 10, maxLength: 120, size: "max" }),
      fc.record({ stopsAtOnce: fc.boolean(), sharesCommits: fc.boolean() }),
      fc.record({ steers: fc.boolean(), opensAtGates: fc.boolean() }),
      async (history, surroundings, traits) => {
        const folder = temporaryFolder();
        try {
          const play = new History(folder.path, surroundings, agentOf(traits));
          for (const step of history) {
            // No `await` where none is needed: what is told in one breath is one race.
            const taken = play.take(step);
            if (taken !== undefined) await taken;
          }
          await play.finish();
          count += history.length;
        } finally {
          folder.remove();
        }
      },
    ),
    parameters,
  );
  expect(count).toBeGreaterThan(parameters.numRuns);
}

describe("the runs of a workspace", () => {
  const timeout = ({ numRuns }: { numRuns: number }) => Math.max(240_000, numRuns * 1600);

  it("do what the contract says in every history", { timeout: timeout(ofGates) }, async () => {
    await play(stepArbitrary, () => undefined, ofGates);
  });

  it("do so with the program of an agent too", { timeout: timeout(ofAgents) }, async () => {
    await play(stepWithAgent, (traits) => new HistoryAgent(traits), ofAgents);
  });
});
