// Two and three servers on one data directory, each killed while the others live.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { historiesOverEngines } from "./engineKinds.js";
import { playHistory } from "./history.js";
import { Playground } from "./playground.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: false });
});
afterAll(() => build.remove());

describe("several servers on one directory, killed at random moments", () => {
  const shapes = [
    { what: "two clients", most: 25, agents: 1, shape: { windows: 2, kills: 4 } },
    { what: "three clients", most: 15, agents: 0, shape: { windows: 3, kills: 3 } },
    {
      what: "two windows of one client",
      most: 25,
      agents: 0,
      shape: { windows: 2, shareBooks: true, kills: 4 },
    },
    {
      what: "servers that linger",
      most: 15,
      agents: 0,
      shape: { windows: 2, kills: 4, linger: true },
    },
  ];
  const all = shapes.flatMap(({ what, most, agents, shape }) =>
    historiesOverEngines(1, most, { short: agents, long: 10 }).map((one) => ({
      ...one,
      what,
      shape,
    })),
  );
  test.concurrent.each(all)(
    "$what lose nothing over $over (seed $seed)",
    async ({ seed, kind, shape }) => {
      const { main } = build;
      expect(await playHistory({ main, seed, sessions: 2, ...shape, ...kind })).toEqual([]);
    },
  );
});

describe("several servers on one directory", () => {
  test("take turns on a session: busy while one runs it, free as soon as it is over", async () => {
    const playground = await Playground.open(build.main);
    try {
      const [mine, yours] = [playground.books(), playground.books()];
      const [first, second] = [playground.window(mine), playground.window(yours)];
      await Promise.all([first.open(), second.open()]);
      await first.send(mine.send("run-0", 0, "run-0: tool, tool, say"));
      await second.send(yours.send("run-1", 0, "run-1: say"));
      expect(new Set(second.refusals)).toEqual(new Set(["SessionBusy"]));
      expect(await playground.settle()).toEqual([]);
      expect(mine.completionOf("run-0")).toMatchObject({ status: "succeeded", sequence: 1 });
    } finally {
      await playground.close();
    }
  });

  test("tidy up after a dead one once, and leave what a living one runs alone", async () => {
    const playground = await Playground.open(build.main);
    try {
      const [dead, living, late] = [playground.books(), playground.books(), playground.books()];
      const [dying, staying] = [playground.window(dead), playground.window(living)];
      await Promise.all([dying.open(), staying.open()]);
      await dying.send(dead.send("run-0", 0, "run-0: tool, tool, tool, tool, say"));
      await staying.send(living.send("run-1", 1, "run-1: tool, tool, tool, tool, say"));
      await dying.kill();
      const newcomers = [playground.window(late), playground.window(late)];
      await Promise.all(newcomers.map((window) => window.open()));
      await newcomers[0]?.send(late.send("run-2", 0, "run-2: say"));
      expect(await playground.settle()).toEqual([]);
      expect(dead.completionOf("run-0")).toMatchObject({ status: "interrupted", cause: "crash" });
      expect(living.completionOf("run-1")?.status).toBe("succeeded");
      expect(late.completionOf("run-2")?.status).toBe("succeeded");
    } finally {
      await playground.close();
    }
  });
});
