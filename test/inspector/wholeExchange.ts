// A client's whole exchange with a server, recorded by `turnwire inspect` that stands between them.
import { join } from "node:path";
import { expect, inject } from "vitest";
import { Ledger } from "../../src/inspector/view/ledger.js";
import { Runs } from "../../src/inspector/view/runs.js";
import type { Sandbox } from "../examples/sandbox.js";
import { recordingIn } from "./teeChild.js";

/** The file of the recording. */
export const recordingOf = ({ folder }: Sandbox) => join(folder, "exchange.jsonl");

/** `turnwire inspect` before a server; what they say is recorded in the sandbox. */
export function inspected(sandbox: Sandbox, ...args: string[]): string[] {
  return [process.execPath, inject("serverScript"), ...inspecting(sandbox), ...serving(...args)];
}

/** The arguments of `turnwire`, without those behind `--`. */
export function inspecting(sandbox: Sandbox): string[] {
  return ["inspect", "--no-page", "--record", recordingOf(sandbox), "--"];
}

function serving(...args: string[]): string[] {
  return [process.execPath, inject("serverScript"), "serve", ...args];
}

/** A message, as far as it is looked at here. */
interface Asked {
  readonly id?: unknown;
  readonly method?: unknown;
}

/**
 * The recording has the exchange from its begin to its end: all of it is valid, every request of either
 * side has its answer from the other, all completions are acknowledged, and the runs are seen.
 */
export function expectWhole(sandbox: Sandbox): void {
  const { entries } = recordingIn(recordingOf(sandbox));
  expect(entries.filter((entry) => "invalid" in entry || entry.kind === "gap")).toEqual([]);
  const [ledger, runs] = [new Ledger(), new Runs()];
  for (const entry of entries) {
    ledger.add(entry);
    runs.add(entry);
  }
  expect(ledger.completions.length).toBeGreaterThan(0);
  expect(ledger.unacknowledged).toBe(0);
  const all = runs.lanes.flatMap((lane) => lane.runs);
  expect(all.map(({ status }) => status)).toEqual(all.map(() => "succeeded"));
  expect(all.flatMap(({ calls }) => calls).some(({ kind }) => kind === "model")).toBe(true);
  for (const [asks, answers] of [
    ["client", "server"],
    ["server", "client"],
  ]) {
    const of = (side: unknown) =>
      entries.flatMap((entry) =>
        entry.kind === "message" && entry.from === side ? [entry.message as Asked] : [],
      );
    const asked = of(asks).flatMap(({ id, method }) =>
      id !== undefined && method !== undefined ? [id] : [],
    );
    const answered = of(answers).flatMap(({ id, method }) => (method === undefined ? [id] : []));
    expect(answered.sort()).toEqual(asked.sort());
  }
  expect(entries[0]).toMatchObject({ kind: "start" });
  expect(entries.at(-1)).toMatchObject({ kind: "end", code: 0 });
}
