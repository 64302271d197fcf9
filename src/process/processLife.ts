// Whether a process number still belongs to the same process.
import { readFileSync, readlinkSync } from "node:fs";
import { systemErrorCode } from "../base/systemError.js";

/**
 * A text that stands for the life of a process: it stays the same while the process lives, and it
 * is another one when the number has gone to another process. Undefined if no such process can be
 * seen: it has ended (a zombie has ended too), or it is in a namespace that cannot be seen from
 * here. Only Linux tells when a process began. Elsewhere, another process with the same number is
 * taken for the first one.
 */
export function lifeOf(processId: number): string | undefined {
  const stat = readStat(String(processId));
  if (stat === undefined) return canSeeProcesses() || !isSignalled(processId) ? undefined : "lives";
  // The program's name is in parentheses and may contain any character.
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
    // It lives, and belongs to another user.
    return systemErrorCode(error) === "EPERM";
  }
}

/**
 * Identifies the space in which process numbers mean the same as here: the start of the machine and
 * its PID namespace. Undefined if the system does not tell.
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
