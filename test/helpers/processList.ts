import { execFileSync } from "node:child_process";

/** The command lines of every process of this machine that hold `mark`. */
export function processesWith(mark: string): string[] {
  return execFileSync("ps", ["-A", "-ww", "-o", "pid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(mark) && !/^\s*\d+\s+Z/.test(line));
}

/** A duration for `sleep` that no other process has: its command line is found by it. */
export function uniqueSeconds(): string {
  return `3${process.pid}.${Math.floor(Math.random() * 1e9)}`;
}
