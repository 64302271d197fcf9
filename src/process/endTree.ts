// Ends a command and everything that it began: first politely, then by force. It waits until they
// are really gone.
import { startChild } from "../base/childStart.js";
import { type Clock, sleep } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { systemErrorCode } from "../base/systemError.js";
import type { ProcessLooks, ProcessTree } from "./processTable.js";

/** What is needed to end a tree. */
export interface EndTreeOptions {
  readonly looks: ProcessLooks;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long processes have to end after they were asked to. */
const graceMs = 1_500;
/** How long to wait for the kernel after they were killed. */
const killMs = 5_000;
/** How long to wait for the kernel while somebody waits for an answer. */
const shortKillMs = 500;
/** The first wait between two looks; each further one is longer, up to the last. */
const firstPollMs = 20;
const lastPollMs = 160;

/** Ends a tree; resolves when none of its processes lives. Does nothing if it has ended. */
export async function endTree(tree: ProcessTree, options: EndTreeOptions): Promise<void> {
  if (process.platform === "win32") return endTreeOnWindows(tree.leader);
  if (await signalTree(tree, options, "SIGTERM")) return;
  if (await pollUntilGone(tree, options, graceMs, 0)) return;
  if (await pollUntilGone(tree, options, killMs, "SIGKILL")) return;
  options.log.error({ leader: tree.leader }, "a command's processes cannot be killed");
}

/**
 * Ends a tree by force and at once, for processes that have nothing to tidy up. Resolves when none
 * of them lives, or after half a second.
 */
export async function killTree(tree: ProcessTree, options: EndTreeOptions): Promise<void> {
  if (process.platform === "win32") return endTreeOnWindows(tree.leader);
  if (await pollUntilGone(tree, options, shortKillMs, "SIGKILL")) return;
  options.log.warn({ leader: tree.leader }, "a program that took too long has not ended yet");
}

/**
 * Sends a signal repeatedly, since a process may fork in between. Returns true once all are gone.
 */
async function pollUntilGone(
  tree: ProcessTree,
  options: EndTreeOptions,
  ms: number,
  signal: NodeJS.Signals | 0,
): Promise<boolean> {
  let pollMs = firstPollMs;
  for (let waited = 0; waited < ms; waited += pollMs) {
    if (await signalTree(tree, options, signal)) return true;
    await sleep(options.clock, pollMs);
    pollMs = Math.min(pollMs * 2, lastPollMs);
  }
  return signalTree(tree, options, signal);
}

/** Signals every living process of a tree; true when there is none. */
async function signalTree(
  tree: ProcessTree,
  { looks }: EndTreeOptions,
  signal: NodeJS.Signals | 0,
): Promise<boolean> {
  const look = await looks.lookFor(tree);
  // Where the system does not list processes, only the group can be signalled. A zombie in it
  // counts as living until its parent has waited for it.
  if (look === undefined) return !send(-tree.leader, signal);
  const members = await look.membersOf(tree);
  const asked = members.filter((pid) => !(tree.holdsTree && pid === tree.leader));
  // The leader of an empty sandbox is asked like any other process.
  const isEmpty = signal === "SIGKILL" || asked.length === 0;
  for (const pid of isEmpty ? members : asked) send(pid, signal);
  return members.length === 0;
}

/** Sends a signal; false when there is no such process. */
export function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ESRCH") return false;
    // It runs as another user now (`sudo`). We can neither signal it nor wait for it.
    if (code === "EPERM") return false;
    throw error;
  }
}

async function endTreeOnWindows(leader: number): Promise<void> {
  const { execa } = await import("execa");
  // Fails when it has ended already.
  await startChild(() =>
    execa("taskkill", ["/pid", String(leader), "/t", "/f"], { reject: false, stdio: "ignore" }),
  );
}
