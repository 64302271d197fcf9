/** The processes of a server with their memory, as Linux tells them. */
import { readdirSync, readFileSync } from "node:fs";

/** A process. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly megabytes: number;
}

const mostProcesses = 500;
const megabyte = 1024 * 1024;
const pageBytes = 4096;

/** A process and all below it; empty where the system does not tell, or it has ended. */
export function processTree(root: number): ProcessRow[] {
  const all = allProcesses();
  const first = all.find(({ pid }) => pid === root);
  if (first === undefined) return [];
  const found = [first];
  for (let index = 0; index < found.length && found.length < mostProcesses; index++) {
    const parent = found[index]?.pid;
    found.push(...all.filter((one) => one.parent === parent && !found.includes(one)));
  }
  return found.slice(0, mostProcesses);
}

function allProcesses(): ProcessRow[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => processAt(name) ?? []);
  } catch {
    // Not Linux.
    return [];
  }
}

function processAt(pid: string): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name is in parentheses, and may have any character.
    const end = stat.lastIndexOf(")");
    const [, parent] = stat.slice(end + 2).split(" ");
    const [, resident] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return {
      pid: Number(pid),
      parent: Number(parent),
      name: stat.slice(stat.indexOf("(") + 1, end),
      megabytes: (Number(resident) * pageBytes) / megabyte,
    };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
