// Ends a command with all that it began: politely, then by force, and not before it is really gone.
import { type Clock, sleep } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { systemErrorCode } from "../base/systemError.js";
import { findTreeMembers } from "./processTable.js";

/** A command's processes. */
export interface ProcessTree {
  /** The process that leads the group and the session. */
  readonly leader: number;
  /** What {@link processMarkerVariable} holds in its environment. */
  readonly marker: string;
}

/** How long processes have to end after they were asked to. */
const graceMs = 1_500;
/** How long to wait for the kernel after they were killed. */
const killMs = 5_000;
/** How long to wait for the kernel where somebody waits for an answer. */
const shortKillMs = 500;
/** The first wait between two looks; each further one is longer, up to the last. */
const firstPollMs = 20;
const lastPollMs = 160;

/** Ends a tree; resolves when none of it lives. Does nothing for one that has ended. */
export async function endTree(tree: ProcessTree, clock: Clock, log: Log): Promise<void> {
  if (process.platform === "win32") return endTreeOnWindows(tree.leader);
  if (await signalTree(tree, "SIGTERM")) return;
  if (await pollUntilGone(tree, clock, graceMs, 0)) return;
  if (await pollUntilGone(tree, clock, killMs, "SIGKILL")) return;
  log.error({ leader: tree.leader }, "a command's processes cannot be killed");
}

/**
 * Ends a tree that has nothing to tidy up, by force and at once; resolves when none of it lives, or
 * after half a second.
 */
export async function killTree(tree: ProcessTree, clock: Clock, log: Log): Promise<void> {
  if (process.platform === "win32") return endTreeOnWindows(tree.leader);
  if (await pollUntilGone(tree, clock, shortKillMs, "SIGKILL")) return;
  log.warn({ leader: tree.leader }, "a program that took too long has not ended yet");
}

/** Sends a signal again and again, since a process may fork in between; true once all are gone. */
async function pollUntilGone(
  tree: ProcessTree,
  clock: Clock,
  ms: number,
  signal: NodeJS.Signals | 0,
): Promise<boolean> {
  let pollMs = firstPollMs;
  for (let waited = 0; waited < ms; waited += pollMs) {
    if (await signalTree(tree, signal)) return true;
    await sleep(clock, pollMs);
    pollMs = Math.min(pollMs * 2, lastPollMs);
  }
  return signalTree(tree, signal);
}

/** Signals every living process of a tree; true when there is none. */
async function signalTree(tree: ProcessTree, signal: NodeJS.Signals | 0): Promise<boolean> {
  const members = await findTreeMembers(tree.leader, tree.marker);
  // On Linux the list tells zombies from the living; elsewhere the group must do.
  if (process.platform !== "linux") return !send(-tree.leader, signal);
  for (const pid of members) send(pid, signal);
  return members.length === 0;
}

/** Sends a signal; false when there is nobody to get it. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ESRCH") return false;
    // It runs as another user now (`sudo`), which can be neither helped nor waited for.
    if (code === "EPERM") return false;
    throw error;
  }
}

async function endTreeOnWindows(leader: number): Promise<void> {
  const { execa } = await import("execa");
  // Fails when it has ended already.
  await execa("taskkill", ["/pid", String(leader), "/t", "/f"], { reject: false, stdio: "ignore" });
}
