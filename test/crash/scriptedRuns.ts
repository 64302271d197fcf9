// The scripted agent, a program of its own, as the engine of a history: what its journal tells of the runs.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { notedLines, scriptedEntry, wrongFramesOf } from "../helpers/engineHouse.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import type { Runner } from "./runner.js";

/**
 * An engine that is configured in a folder. Each of its programs has a child in a session of its own; all
 * of them, if they are stubborn, ignore SIGTERM.
 */
export function scriptedRuns(folder: string, isStubborn: boolean): Runner {
  const notes = join(folder, "agent");
  mkdirSync(notes);
  const leaves = uniqueSeconds();
  const told = { plays: { pauseMs: 80 }, leaves, stubborn: isStubborn };
  const seen = (what: string) =>
    notedLines(notes, "seen").flatMap((line) =>
      line.startsWith(`${what} `) ? [line.slice(what.length + 1)] : [],
    );
  const entry = scriptedEntry(told, notes);
  // By it the program is found among the processes.
  const scripted = { ...entry, command: [...entry.command, notes] };
  const living = () => [...processesWith(notes), ...processesWith(leaves)];
  return {
    engine: "scripted",
    config: { engines: { scripted } },
    get asked() {
      return timesOf(seen("step"));
    },
    get got() {
      return new Set(seen("run"));
    },
    async complaints() {
      const deadline = Date.now() + 30_000;
      while (living().length > 0 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const twice = [...timesOf(seen("run"))].filter(([, times]) => times > 1);
      return [
        ...twice.map(([runId, times]) => `an agent got the prompt of ${runId} ${times} times`),
        ...living().map((line) => `still alive: ${line}`),
        ...wrongFramesOf(notedLines(notes, "frames")),
      ];
    },
    close: async () => {},
  };
}

function timesOf(lines: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const line of lines) times.set(line, (times.get(line) ?? 0) + 1);
  return times;
}
