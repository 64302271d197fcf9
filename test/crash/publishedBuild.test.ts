import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { Playground } from "./playground.js";

const traces = /TURNWIRE_FAULT_POINT|faultPoint|FaultPoint|__FAULT_POINTS__|turnBegun|toolRunning/;

let published: TestBuild;
let forTests: TestBuild;
beforeAll(() => {
  published = buildServer({ faultPoints: false });
  forTests = buildServer({ faultPoints: true });
});
afterAll(() => {
  published.remove();
  forTests.remove();
});

function programsWithTraces({ folder }: TestBuild): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.[cm]?js$/.test(path))
    .filter((path) => traces.test(readFileSync(join(folder, path), "utf8")));
}

describe("the published build", () => {
  test("has no trace of the fault points, where the one for tests has them", () => {
    expect(programsWithTraces(published)).toEqual([]);
    expect(programsWithTraces(forTests).length).toBeGreaterThan(0);
  });

  test("does not die where it is asked to", async () => {
    const playground = await Playground.open(published.main);
    try {
      const books = playground.books();
      const window = playground.window(books);
      await window.open({ TURNWIRE_FAULT_POINT: "accepted" });
      await window.send(books.send("run-0", 0, "run-0: say"));
      expect(await playground.settle()).toEqual([]);
      expect(books.completionOf("run-0")?.status).toBe("succeeded");
    } finally {
      await playground.close();
    }
  });
});
