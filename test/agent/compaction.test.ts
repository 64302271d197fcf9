// Random sessions against the four promises of compaction. A failure prints its seed and path;
// `TURNWIRE_SEED` and `TURNWIRE_PATH` play it again, `TURNWIRE_SESSIONS` says how many.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import {
  type PlannedPrompt,
  type Said,
  scripts,
  summaryKinds,
  type World,
} from "./compactionPlan.js";
import { CompactionWorld, maxSteps, type Seen } from "./compactionWorld.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_SESSIONS } = process.env;

const parameters = {
  numRuns: Number(TURNWIRE_SESSIONS ?? 40),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
};

const script = fc.constantFrom(...(Object.keys(scripts) as (keyof typeof scripts)[]));
/** Most are short, some are long, a few are longer than any window. */
const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(400) },
  { weight: 3, arbitrary: fc.nat(9000) },
  { weight: 1, arbitrary: fc.nat(90_000) },
);
const said: fc.Arbitrary<PlannedPrompt> = fc.record({
  script,
  length,
  log: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, length),
  hasImage: fc.nat(4).map((n) => n === 0),
});
const step = fc.record({
  outputs: fc.array(length, { minLength: 1, maxLength: 6 }),
  script,
  said: fc.option(said, { freq: 6, nil: undefined }),
});
const world: fc.Arbitrary<World> = fc.record({
  window: fc.constantFrom(3000, 8000, 16_000, 32_000),
  summaryWindow: fc.constantFrom(2000, 8000, 32_000),
  instructions: fc.oneof(fc.constant(400), fc.nat(28_000)),
  density: fc.double({ min: 0.7, max: 1.3, noNaN: true }),
  usage: fc.constantFrom("told", "nothing", "zero"),
  knowsWindow: fc.nat(5).map((n) => n > 0),
  turns: fc.array(
    fc.record({
      prompt: said,
      steps: fc.array(step, { maxLength: 8, size: "max" }),
      summaries: fc.array(fc.constantFrom("good" as const, ...summaryKinds), { maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 8, size: "max" },
  ),
});

/** The marks of what the user said that a request holds, or that the summary in it was made from. */
function coveredBy(text: string, played: CompactionWorld): Set<string> {
  const covered = new Set(text.match(/«U\d+»/g));
  const waiting: string[] = text.match(/SUM\d+;/g) ?? [];
  const looked = new Set<string>();
  for (let mark = waiting.pop(); mark !== undefined; mark = waiting.pop()) {
    const shown = played.shownFor.get(mark);
    if (looked.has(mark) || shown === undefined) continue;
    looked.add(mark);
    for (const user of shown.match(/«U\d+»/g) ?? []) covered.add(user);
    waiting.push(...(shown.match(/SUM\d+;/g) ?? []));
  }
  return covered;
}

/** What the user said goes as it was said, and once. */
function expectWhole({ text }: Seen, said: Said): void {
  const count = (piece: string) => text.split(piece).length - 1;
  expect([said.mark, count(said.text)]).toEqual([said.mark, 1]);
  if (said.log !== "") expect([said.mark, "log", count(said.log)]).toEqual([said.mark, "log", 1]);
  if (said.hasImage) expect([said.mark, count(`image of ${said.mark}`)]).toEqual([said.mark, 1]);
}

/** The newest message is sent whole, and so is all that the user has said in the turn. */
function expectRequestsWhole(requests: readonly Seen[]): void {
  const own = new Map<string, Said>();
  for (const request of requests) {
    for (const one of request.said) {
      const isNew = !request.history.includes(one.mark) && request.text.includes(one.mark);
      if (isNew) own.set(one.mark, one);
    }
    expect(own.size).toBeGreaterThan(0);
    for (const one of own.values()) expectWhole(request, one);
  }
}

/** All that was said before is there, or in what a summary that is there was made from. */
function expectCovered(requests: readonly Seen[], played: CompactionWorld): void {
  for (const { text, said } of requests) {
    const covered = coveredBy(text, played);
    // What was said while tools ran joins the next call; what comes after that is not there yet.
    const newest = said.findLastIndex(({ mark }) => text.includes(mark));
    const missing = said.slice(0, newest).filter(({ mark }) => !covered.has(mark));
    expect(missing.map(({ mark }) => mark)).toEqual([]);
  }
}

const newestSummary = (text: string) => text.match(/SUM\d+;/g)?.at(-1) ?? "";

/** Summaries with at most one answered call between are few. */
function expectProgress(requests: readonly Seen[]): void {
  let summary = newestSummary(requests[0]?.history ?? "");
  let answered = Number.POSITIVE_INFINITY;
  let inARow = 0;
  for (const { text, isRefused } of requests) {
    const newest = newestSummary(text);
    if (newest !== summary) {
      inARow = answered <= 1 ? inARow + 1 : 1;
      expect(inARow).toBeLessThanOrEqual(5);
      answered = 0;
    }
    summary = newest;
    if (!isRefused) answered++;
  }
}

function byRun(seen: readonly Seen[]): readonly (readonly Seen[])[] {
  const runs: Seen[][] = [];
  for (const request of seen) {
    if (request.isSummary) continue;
    runs[request.run] ??= [];
    runs[request.run]?.push(request);
  }
  // A run that failed before its first call has none.
  return runs.filter((requests) => requests !== undefined);
}

function check(played: CompactionWorld, turns: number): void {
  for (const requests of byRun(played.seen)) {
    expectRequestsWhole(requests);
    expectCovered(requests, played);
    expectProgress(requests);
    expect(requests.filter(({ isRefused }) => !isRefused).length).toBeLessThanOrEqual(maxSteps);
  }
  expect(played.outcomes).toHaveLength(turns);
  for (const { status, errorName, error } of played.outcomes) {
    if (status === "succeeded") continue;
    const name = expect.stringMatching(/^(ContextOverflow|StepLimit)$/);
    expect([status, errorName]).toEqual(["failed", name]);
    expect(error).toMatch(/tokens|limits\.maxSteps|maximum context length/);
  }
}

describe("a session of any kind", () => {
  it("loses nothing that the user said, and goes on or ends by name", {
    timeout: Math.max(120_000, parameters.numRuns * 3000),
  }, async () => {
    let summaries = 0;
    let overflows = 0;
    await fc.assert(
      fc.asyncProperty(world, async (given) => {
        const folder = temporaryFolder();
        const played = new CompactionWorld(given, folder.path);
        try {
          await played.play();
          check(played, given.turns.length);
          summaries += played.shownFor.size;
          overflows += played.outcomes.filter(
            ({ errorName }) => errorName === "ContextOverflow",
          ).length;
        } finally {
          await played.close();
          folder.remove();
        }
      }),
      parameters,
    );
    // Or the test would say nothing.
    expect(summaries).toBeGreaterThan(parameters.numRuns / 10);
    expect(overflows).toBeGreaterThan(parameters.numRuns / 30);
  });
});
