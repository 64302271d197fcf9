// The engines that the random histories are played over, and what each does when its server is lost.
import type { HistoryOptions } from "./history.js";
import { histories } from "./longRun.js";

type Kind = Pick<HistoryOptions, "engine" | "runOptions">;

const goOn = { onServerLoss: "continue" } as const;

/** What a history is played over, for one seed; an agent is stubborn in every second one. */
function kindsFor(seed: number): readonly (readonly [name: string, kind: Kind])[] {
  const engine = seed % 2 === 0 ? "stubborn" : "polite";
  return [
    ["the built-in engine", {}],
    ["the built-in engine that goes on", { runOptions: goOn }],
    [`a ${engine} agent`, { engine }],
    [`a ${engine} agent that goes on`, { engine, runOptions: goOn }],
  ];
}

/** So many histories over the built-in engine and a few over each other kind: for `test.each`. */
export function historiesOverEngines(
  short: number,
  long: number,
  few: { readonly short: number; readonly long: number },
): { seed: number; over: string; kind: Kind }[] {
  const most = histories(short, long);
  const others = new Set(histories(few.short, few.long));
  return most.flatMap((seed) =>
    kindsFor(seed).flatMap(([over, kind]) =>
      (kind.engine === undefined && kind.runOptions === undefined) || others.has(seed)
        ? [{ seed, over, kind }]
        : [],
    ),
  );
}
