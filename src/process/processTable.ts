// What runs on this machine, as far as a process tree goes. Only Linux tells; elsewhere the list is
// empty and a process group is all there is to end.
import { readdir, readFile } from "node:fs/promises";
import { systemErrorCode } from "../base/systemError.js";

/** The variable that marks every process begun by a tool; children inherit it. */
export const processMarkerVariable = "TURNWIRE_PROCESS";

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/**
 * The living processes that belong to a command: its group, its session, their descendants, and
 * those that carry its mark because they left all three. A zombie does not live.
 */
export async function findTreeMembers(leader: number, marker: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const all = await listProcesses();
  const members = new Set<number>();
  for (const { pid, group, session } of all) {
    if (pid === leader || group === leader || session === leader) members.add(pid);
  }
  for (const { pid } of all) {
    if (!members.has(pid) && (await carriesMark(pid, marker))) members.add(pid);
  }
  for (let size = -1; size !== members.size; ) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return [...members];
}

async function listProcesses(): Promise<ProcessEntry[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(names.map(readEntry));
  return entries.filter((entry) => entry !== undefined);
}

async function readEntry(name: string): Promise<ProcessEntry | undefined> {
  const stat = await readIfThere(`/proc/${name}/stat`);
  // The program's name stands in parentheses and may contain anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, group, session] = fields ?? [];
  if (state === undefined || state === "Z" || state === "X") return undefined;
  return {
    pid: Number(name),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
  };
}

async function carriesMark(pid: number, marker: string): Promise<boolean> {
  const environment = await readIfThere(`/proc/${pid}/environ`);
  return environment?.split("\0").includes(`${processMarkerVariable}=${marker}`) ?? false;
}

/** Another user's processes cannot be read, and any can end at any time. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "latin1");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
