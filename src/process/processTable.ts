// The processes of this machine that belong to a tree. Only Linux lists them, and only where its
// own `/proc` is mounted. Elsewhere only a process group can be ended.
import { readFileSync, readlinkSync, statSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemErrorCode } from "../base/systemError.js";
import { type ProcessMark, processMarkerVariable } from "./processMark.js";

/** A command's processes. */
export interface ProcessTree {
  /** The process that leads the group and the session. */
  readonly leader: number;
  /** The marks that they carry. */
  readonly mark: ProcessMark;
  /** When the leader began, in ticks of the kernel's clock. Older processes are not of the tree. */
  readonly startedAt?: number;
  /** As `performance.now()` was before it was started; see {@link ProcessLooks.lookFor}. */
  readonly begunAt?: number;
  /**
   * Whether the leader is the program that holds a sandbox. It ends by itself after everything in
   * the sandbox has ended. If it ends first, everything in the sandbox is killed at once; so it is
   * never asked to end.
   */
  readonly holdsTree?: boolean;
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startedAt: number;
}

/** This many processes are read before other work gets its turn. */
const sliceLength = 100;
/** Not more numbers than this are tried one by one: a list of all processes takes longer than that. */
const mostTried = 100;
/**
 * How long after a leader's start the processes that began later have greater numbers than it, unless the
 * kernel's newest number is smaller: in so short a time it cannot use all numbers (32,768 or more).
 */
const inOrderMs = 250;

/** A list of all living processes at one moment. A zombie does not live. */
export class ProcessLook {
  readonly #entries: readonly ProcessEntry[];
  readonly #marks = new Map<number, Promise<CarriedMarks>>();

  constructor(entries: readonly ProcessEntry[]) {
    this.#entries = entries;
  }

  /**
   * The processes that belong to a command: its group, its session, those that carry its mark
   * because they left both, and the descendants of all of them.
   */
  async membersOf(tree: ProcessTree): Promise<number[]> {
    const { leader, mark, startedAt = 0 } = tree;
    const young = this.#entries.filter((entry) => entry.startedAt >= startedAt);
    const members = new Set<number>();
    for (const { pid, group, session } of young) {
      if (pid === leader || group === leader || session === leader) members.add(pid);
    }
    for (const { pid } of young) {
      if (!members.has(pid) && isMarked(await this.#marksOf(pid), mark)) members.add(pid);
    }
    for (let size = -1; size !== members.size; ) {
      size = members.size;
      for (const { pid, parent } of young) if (members.has(parent)) members.add(pid);
    }
    return [...members];
  }

  /** The processes that carry a mark of one owner's commands. */
  async carrying(variablePrefix: string, fileLocksPattern: string): Promise<number[]> {
    const limit = new RegExp(`^${fileLocksPattern}$`);
    const found: number[] = [];
    for (const { pid } of this.#entries) {
      const { variable, fileLocks } = await this.#marksOf(pid);
      const isMarked =
        variable?.startsWith(variablePrefix) === true ||
        (fileLocks !== undefined && limit.test(fileLocks));
      if (isMarked) found.push(pid);
    }
    return found;
  }

  /** Many trees ask about the same processes. */
  #marksOf(pid: number): Promise<CarriedMarks> {
    const known = this.#marks.get(pid) ?? readMarks(pid);
    this.#marks.set(pid, known);
    return known;
  }
}

/** Looks at the processes. Callers that ask while a look is under way share the next one. */
export class ProcessLooks {
  #current: Promise<ProcessLook | undefined> | undefined;
  #next: Promise<ProcessLook | undefined> | undefined;

  /**
   * The result of a look that begins after this call; undefined if the system does not list
   * processes.
   */
  look(): Promise<ProcessLook | undefined> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /**
   * As {@link ProcessLooks.look}, for one tree. Most commands end soon. Then only processes with a
   * greater number than the leader's can be of the tree, and the others are not read: a machine may have
   * many. If the kernel has given few numbers since, not even a list of all processes is needed.
   */
  async lookFor(tree: ProcessTree): Promise<ProcessLook | undefined> {
    const { leader, begunAt } = tree;
    const isSoon = begunAt !== undefined && performance.now() - begunAt < inOrderMs;
    const newest = isSoon ? newestNumber() : undefined;
    if (newest === undefined || newest < leader) return this.look();
    return lookAtFew(leader) ?? lookNow(leader);
  }

  #begin(): Promise<ProcessLook | undefined> {
    const looking = lookNow().finally(() => {
      if (this.#current === looking) this.#current = undefined;
    });
    this.#current = looking;
    return looking;
  }
}

/** When a process that has just been started began; undefined if the system does not tell. */
export function startTimeOf(pid: number): number | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    return readEntry(String(pid))?.startedAt;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * The number that the kernel gave last in our PID namespace; undefined if it does not tell. A container may
 * have a program's file in the place of the kernel's, which is as new as that program has made it.
 */
function newestNumber(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const isKernels = statSync("/proc/loadavg").dev === statSync("/proc/self/stat").dev;
    if (!isKernels) return undefined;
    const newest = Number(readFileSync("/proc/loadavg", "latin1").trim().split(" ").at(-1));
    return Number.isSafeInteger(newest) ? newest : undefined;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** Undefined if it cannot be made like this. */
function lookAtFew(from: number): ProcessLook | undefined {
  if (!hasOwnProc()) return undefined;
  try {
    const entries = fewProcesses(from);
    return entries && new ProcessLook(entries);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * The processes from a number on, tried one by one. It ends when no newer number has been given meanwhile.
 * Undefined if there are too many.
 */
function fewProcesses(from: number): ProcessEntry[] | undefined {
  const entries: ProcessEntry[] = [];
  for (let number = from; ; ) {
    const newest = newestNumber();
    if (newest === undefined || newest < from || newest - from >= mostTried) return undefined;
    if (number > newest) return entries;
    for (; number <= newest; number++) {
      const entry = isProcess(number) ? readEntry(String(number)) : undefined;
      if (entry !== undefined) entries.push(entry);
    }
  }
}

/** Threads have numbers too. `/proc` has their folders, and lists them nowhere beside the processes. */
function isProcess(number: number): boolean {
  const folder = `/proc/${number}`;
  // Of a missing file an error is made, which takes longer than the look.
  if (statSync(folder, { throwIfNoEntry: false }) === undefined) return false;
  const status = orGone(() => readFileSync(`${folder}/status`, "latin1"));
  return /^Tgid:\t(\d+)$/m.exec(status ?? "")?.[1] === String(number);
}

async function lookNow(from = 0): Promise<ProcessLook | undefined> {
  if (!hasOwnProc()) return undefined;
  try {
    return new ProcessLook(await listProcesses(from));
  } catch (error) {
    // A failed read, perhaps without a free file descriptor, does not prove that nothing runs.
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

/** A `/proc` of another PID namespace shows numbers that cannot be signalled from here. */
function hasOwnProc(): boolean {
  if (process.platform !== "linux") return false;
  try {
    return readlinkSync("/proc/self") === String(process.pid);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

async function listProcesses(from: number): Promise<ProcessEntry[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && +name >= from);
  const entries: ProcessEntry[] = [];
  for (let at = 0; at < names.length; at += sliceLength) {
    if (at > 0) await nextTurn();
    for (const name of names.slice(at, at + sliceLength)) {
      const entry = readEntry(name);
      if (entry !== undefined) entries.push(entry);
    }
  }
  return entries;
}

/** Synchronous: the kernel answers from memory, far faster than through a thread of the pool. */
function readEntry(name: string): ProcessEntry | undefined {
  const stat = orGone(() => readFileSync(`/proc/${name}/stat`, "latin1"));
  // The program's name stands in parentheses and may contain anything.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const [state, parent, group, session] = fields;
  if (state === undefined || state === "Z" || state === "X") return undefined;
  return {
    pid: Number(name),
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startedAt: Number(fields[19]),
  };
}

interface CarriedMarks {
  readonly variable: string | undefined;
  readonly fileLocks: string | undefined;
}

async function readMarks(pid: number): Promise<CarriedMarks> {
  const limits = orGone(() => readFileSync(`/proc/${pid}/limits`, "latin1"));
  const [, fileLocks] = /^Max file locks +(\d+) /m.exec(limits ?? "") ?? [];
  // The kernel may have to wait before it can tell a process's environment.
  const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(throwUnlessGone);
  const prefix = `${processMarkerVariable}=`;
  const entry = environment?.split("\0").find((one) => one.startsWith(prefix));
  return { variable: entry?.slice(prefix.length), fileLocks };
}

function isMarked(carried: CarriedMarks, mark: ProcessMark): boolean {
  return carried.variable === mark.variable || carried.fileLocks === mark.fileLocks;
}

function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    return throwUnlessGone(error);
  }
}

/** Processes of other users cannot be read, and every process can end at any time. */
function throwUnlessGone(error: unknown): undefined {
  const code = systemErrorCode(error) ?? "";
  if (!["ENOENT", "ESRCH", "EACCES", "EPERM", "EIO"].includes(code)) throw error;
  return undefined;
}
