// What is on a disk after a power cut: a recording of every write and fsync of a server's database files,
// from which the files are rebuilt as they were fsynced last.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { testNode } from "./testNode.js";

/** Whether system calls can be recorded here. */
export const canRecord = process.platform === "linux" && isThere();

function isThere(): boolean {
  try {
    execFileSync("strace", ["-o", "/dev/null", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const traced = "openat,close,pwrite64,write,writev,fsync,fdatasync,ftruncate,unlink,rename,link";

/** Starts a program of Node whose system calls are recorded below `folder`. */
export function startRecorded(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChildProcessWithoutNullStreams {
  mkdirSync(folder);
  const options = ["-ff", "-ttt", "-xx", "-s", "1048576", "-e", `trace=${traced}`];
  return spawn("strace", [...options, "-o", join(folder, "trace"), testNode, ...args], { env });
}

/** The numbers of a process's threads, as they are now. */
export function threadsOf(folder: string): Set<string> {
  const pids = readdirSync(folder).map((name) => Number(name.split(".").at(-1)));
  return new Set(readdirSync(`/proc/${Math.min(...pids)}/task`));
}

/** The number of the recorded process. */
export function recordedPid(folder: string): number {
  return Math.min(...readdirSync(folder).map((name) => Number(name.split(".").at(-1))));
}

/** The contents of files, by their names. */
export type Disk = ReadonlyMap<string, Buffer>;

/** Something that the server has told or done, with what a power cut would have left then. */
export interface Moment {
  /** What it wrote to stdout; undefined if it is something else. */
  readonly told?: string;
  /** The path of a file that it made or renamed to. */
  readonly touched?: string;
  readonly disk: Disk;
}

interface Call {
  readonly at: number;
  readonly name: string;
  readonly args: string;
  readonly result: number;
}

/** What happened, in order. `dataDir` has the database's files. */
export function momentsOf(
  folder: string,
  threads: ReadonlySet<string>,
  { dataDir }: { readonly dataDir: string },
): Moment[] {
  const files = new Map<string, { now: Buffer; synced: Buffer | undefined }>();
  const open = new Map<number, string>();
  const moments: Moment[] = [];
  const disk = () =>
    new Map([...files].flatMap(([name, { synced }]) => (synced ? [[name, synced] as const] : [])));
  for (const { name, args, result } of callsIn(folder, threads)) {
    if (result < 0) continue;
    const fd = Number.parseInt(args, 10);
    const file = files.get(open.get(fd) ?? "");
    const [first = "", second = ""] = textsIn(args).map(String);
    if (name === "openat") {
      if (first.startsWith(dataDir) && /turnwire\.db(-wal)?$/.test(first)) {
        open.set(result, basename(first));
        const known = files.get(basename(first));
        if (known === undefined)
          files.set(basename(first), { now: Buffer.alloc(0), synced: undefined });
      } else if (/O_CREAT/.test(args)) {
        moments.push({ touched: first, disk: disk() });
      }
    } else if (name === "close") open.delete(fd);
    else if (["rename", "link"].includes(name)) {
      moments.push({ touched: second, disk: disk() });
    } else if (name === "unlink" && first.startsWith(dataDir)) files.delete(basename(first));
    else if (file !== undefined) change(file, name, args);
    else if (fd === 1 && name.startsWith("write")) {
      moments.push({ told: Buffer.concat(textsIn(args)).toString(), disk: disk() });
    }
  }
  return moments;
}

function change(
  file: { now: Buffer; synced: Buffer | undefined },
  name: string,
  args: string,
): void {
  const [text = Buffer.alloc(0)] = textsIn(args);
  const last = Number(/(\d+)$/.exec(args)?.[1] ?? 0);
  if (name === "fsync" || name === "fdatasync") file.synced = Buffer.from(file.now);
  else if (name === "ftruncate") file.now = sized(file.now, last);
  else if (name === "pwrite64") {
    const now = sized(file.now, Math.max(file.now.length, last + text.length));
    text.copy(now, last);
    file.now = now;
  }
}

function sized(content: Buffer, size: number): Buffer {
  const made = Buffer.alloc(size);
  content.copy(made);
  return made;
}

function callsIn(folder: string, threads: ReadonlySet<string>): Call[] {
  const calls = readdirSync(folder)
    .filter((name) => threads.has(name.split(".").at(-1) ?? ""))
    .flatMap((name) => readFileSync(join(folder, name), "latin1").split("\n"))
    .flatMap((line): Call[] => {
      const found = /^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+)/.exec(line);
      if (found === null) return [];
      const [, at = "", name = "", args = "", result = ""] = found;
      return [{ at: Number(at), name, args, result: Number(result) }];
    });
  return calls.sort((a, b) => a.at - b.at);
}

/** The texts among a call's arguments, which are all written in hexadecimal digits. */
function textsIn(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, text = ""]) =>
    Buffer.from(text.replaceAll("\\x", ""), "hex"),
  );
}

/** Writes what a power cut would have left into a folder. */
export function restore(disk: Disk, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of disk) writeFileSync(join(folder, name), content);
}
