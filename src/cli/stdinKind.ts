import { fstatSync } from "node:fs";
import type { StdinKind } from "./runPrompt.js";

/** What the stdin of a process is. */
export function stdinKindOf(fd: number): StdinKind {
  try {
    const stats = fstatSync(fd);
    if (stats.isSocket()) return "socket";
    return stats.isFIFO() || stats.isFile() ? "pipe" : "other";
  } catch {
    // It is closed.
    return "other";
  }
}
