// One server at a time, killed at random moments. `TURNWIRE_CRASH_SEED=n` begins at another seed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { historiesOverEngines } from "./engineKinds.js";
import { playHistory } from "./history.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: false });
});
afterAll(() => build.remove());

describe("a server that is killed at random moments", () => {
  test.concurrent.each(historiesOverEngines(3, 60, { short: 1, long: 40 }))(
    "loses and invents nothing over $over (seed $seed)",
    async ({ seed, kind }) => {
      const shape = { windows: 1, kills: 6, sessions: 2 };
      expect(await playHistory({ main: build.main, seed, ...shape, ...kind })).toEqual([]);
    },
  );
});
