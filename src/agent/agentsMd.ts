import { lstat, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isInside } from "./runCommand.js";

/** Longer instructions would crowd out the work. */
const mostBytes = 32 * 1024;

/**
 * The workspace's own instructions for agents: `AGENTS.md` at its root, at most 32 KiB of it.
 * Undefined where there is none, where it is no file that can be read, and where it is a link that
 * leads out of the workspace.
 */
export async function readAgentsMd(workspacePath: string): Promise<string | undefined> {
  try {
    const path = await realpath(join(workspacePath, "AGENTS.md"));
    if (!isInside(await realpath(workspacePath), path)) return undefined;
    return await readBounded(path);
  } catch {
    // Whatever keeps it from being read, a session goes on without it.
    return undefined;
  }
}

async function readBounded(path: string): Promise<string | undefined> {
  // A pipe must not be opened: that would wait for whoever writes to it.
  if (!(await lstat(path)).isFile()) return undefined;
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(mostBytes + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    // A character that the limit cuts in two is left out.
    const text = new TextDecoder().decode(buffer.subarray(0, Math.min(bytesRead, mostBytes)), {
      stream: true,
    });
    return bytesRead > mostBytes ? `${text}\n[AGENTS.md is longer; the rest is left out]` : text;
  } finally {
    await file.close();
  }
}
