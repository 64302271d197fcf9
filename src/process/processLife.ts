// Whether a process that somebody named is still the one that it was.
import { readFileSync, readlinkSync } from "node:fs";
import { systemErrorCode } from "../base/systemError.js";

/**
 * What stands for the life of a process: the same as long as it lives, another one when its number
 * has gone to another process. Undefined where no such process can be seen: it has ended (a zombie
 * has ended too), or it is in a place of its own that cannot be looked into from here. Only Linux
 * tells when a process began; elsewhere another process under the same number is taken for the first.
 */
export function lifeOf(processId: number): string | undefined {
  const stat = readStat(String(processId));
  if (stat === undefined) return canSeeProcesses() || !isSignalled(processId) ? undefined : "lives";
  // The program's name stands in parentheses and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  return state === "Z" || state === "X" ? undefined : fields[19];
}

function canSeeProcesses(): boolean {
  return process.platform === "linux" && readStat("self") !== undefined;
}

function readStat(name: string): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return readFileSync(`/proc/${name}/stat`, "latin1");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function isSignalled(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return systemErrorCode(error) === "EPERM";
  }
}

/**
 * Where process numbers mean the same as here: the machine's start and the space of its process
 * numbers. Undefined where the system does not tell.
 */
export function processNamespace(): string | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    return `${boot}/${readlinkSync("/proc/self/ns/pid")}`;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
