import { readdirSync, readFileSync } from "node:fs";

/** A process that a server has started for a piece of work (src/process/workProcesses.ts). */
export interface WorkChild {
  readonly pid: number;
  readonly residentBytes: number;
}

const pageBytes = 4096;

/** Those of one server that live now; none where the system does not tell of other processes. */
export function workChildrenOf(parent: number): WorkChild[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("workProcess.mjs")) return [];
        // The name of the program, in parentheses, may have spaces.
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
        if (Number(stat[1]) !== parent || stat[0] === "Z") return [];
        const resident = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1];
        return [{ pid: Number(pid), residentBytes: Number(resident) * pageBytes }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
