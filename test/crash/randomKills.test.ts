// One server at a time, killed at random moments. `TURNWIRE_CRASH_SEED=n` begins at another seed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { playHistory } from "./history.js";
import { histories } from "./longRun.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: false });
});
afterAll(() => build.remove());

describe("a server that is killed at random moments", () => {
  test.concurrent.each(histories(3, 60))("loses and invents nothing (seed %i)", async (seed) => {
    const { main } = build;
    expect(await playHistory({ main, seed, windows: 1, kills: 6, sessions: 2 })).toEqual([]);
  });
});
