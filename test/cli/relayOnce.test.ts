// When `turnwire relay run --once` ends, and with which exit code.
import { beforeEach, expect, it } from "vitest";
import { untilSent } from "../../src/cli/relayOnce.js";
import type { RelayReport } from "../../src/storage/relayReport.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

let clock: VirtualScheduler;
let report: RelayReport | undefined;
let told: string[];
let code: number | undefined;
beforeEach(() => {
  clock = new VirtualScheduler();
  [told, code, report] = [[], undefined, relay()];
});

function relay(more: Partial<RelayReport> = {}): RelayReport {
  return { name: "hook", behind: 0, setAside: 0, isStopped: false, ...more };
}

/** The command begins; the other relay is none of its business. */
function begin(): void {
  const other = { ...relay({ behind: 9 }), name: "other" };
  const read = () => [other, ...(report === undefined ? [] : [report])];
  const io = { clock, writeError: (line: string) => void told.push(line) };
  void untilSent(["hook"], read, io).then((exitCode) => {
    code = exitCode;
  });
}

it("ends well when nothing is behind, and nothing is to be sent again", async () => {
  report = relay({ behind: 5 });
  begin();
  await clock.advance(3_600_000);
  expect(code).toBeUndefined();
  report = relay({ setAside: 1, asked: 1 });
  await clock.advance(3_600_000);
  expect(code).toBeUndefined();
  report = relay({ setAside: 0 });
  await clock.advance(100);
  expect([code, told]).toEqual([0, []]);
});

it("fails where a place does not take it for 15 seconds, however long it took before", async () => {
  report = relay({ behind: 100_000 });
  begin();
  await clock.advance(60_000);
  report = relay({ behind: 50_000, trouble: "full", troubleSince: clock.now() });
  await clock.advance(15_000);
  expect(code).toBeUndefined();
  // It went on in between.
  report = relay({ behind: 40_000 });
  await clock.advance(100);
  report = relay({ behind: 40_000, trouble: "full", troubleSince: clock.now() });
  await clock.advance(15_000);
  expect(code).toBeUndefined();
  await clock.advance(200);
  expect(code).toBe(1);
  expect(told).toEqual([expect.stringMatching(/^turnwire: hook: 40000 to send; since .*: full$/)]);
});

it("gives a place 15 seconds that was in trouble before", async () => {
  report = relay({ behind: 1, trouble: "away", troubleSince: clock.now() - 86_400_000 });
  begin();
  await clock.advance(15_000);
  expect(code).toBeUndefined();
  await clock.advance(200);
  expect(code).toBe(1);
});

it("fails where a relay does not begin", async () => {
  report = undefined;
  begin();
  await clock.advance(15_200);
  expect([code, told]).toEqual([1, ["turnwire: hook has not begun"]]);
});

it.each([
  ["what was asked for is refused again", relay({ setAside: 3, asked: 1 }), relay({ setAside: 3 })],
  ["something was set aside meanwhile", relay({ behind: 4, setAside: 2 }), relay({ setAside: 3 })],
])("fails where %s", async (_, before, after) => {
  report = before;
  begin();
  report = after;
  await clock.advance(100);
  expect([code, told]).toEqual([1, ["turnwire: hook: 1 refused, and set aside"]]);
});

it("fails at once where a relay was told to stop while something is behind", async () => {
  report = relay({ behind: 3 });
  begin();
  await clock.advance(5000);
  const since = clock.now();
  report = relay({ behind: 3, isStopped: true, trouble: "HTTP 410", troubleSince: since });
  await clock.advance(100);
  expect(code).toBe(1);
  expect(told).toEqual([expect.stringMatching(/^turnwire: hook: 3 to send; .*HTTP 410$/)]);
});
