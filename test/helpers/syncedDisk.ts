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

/** What was recorded of one program. */
export interface Recording {
  readonly folder: string;
  readonly threads: ReadonlySet<string>;
}

/**
 * Starts a program of Node whose system calls are recorded below `folder`. A runner starts it as its
 * child, for example in another namespace.
 */
export function startRecorded(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  runner: readonly string[] = [],
): ChildProcessWithoutNullStreams {
  mkdirSync(folder);
  const options = ["-ff", "-ttt", "-xx", "-s", "1048576", "-e", `trace=${traced}`];
  const program = [...runner, testNode, ...args];
  return spawn("strace", [...options, "-o", join(folder, "trace"), ...program], { env });
}

/** The number of the recorded process: of the first one, or of the first one that a runner started. */
export function recordedPid(folder: string, hasRunner = false): number {
  const pids = readdirSync(folder).map((name) => Number(name.split(".").at(-1)));
  return pids.sort((a, b) => a - b)[hasRunner ? 1 : 0] ?? 0;
}

/** What is recorded below a folder of a process that lives, to be read when it has ended. */
export function recordingOf(folder: string, pid: number): Recording {
  return { folder, threads: new Set(readdirSync(`/proc/${pid}/task`)) };
}

/** The contents of files, by their names. */
export type Disk = ReadonlyMap<string, Buffer>;

/** Something that a server has told or done, with what a power cut would have left then. */
export interface Moment {
  /** The place of its recording among all. */
  readonly by: number;
  /** What it wrote to stdout; undefined if it is something else. */
  readonly told?: string;
  /** The path of a file that it made or renamed to. */
  readonly touched?: string;
  /** How often the files were changed or fsynced until then. */
  readonly changes: number;
  /** Everything that was fsynced, and nothing else. */
  readonly disk: Disk;
  /** Also some of the writes that were not fsynced: those that `isKept` says. */
  diskWith(isKept: () => boolean): Disk;
}

interface Call {
  readonly at: number;
  readonly by: number;
  readonly name: string;
  readonly args: string;
  readonly result: number;
}

/** Makes the content of a file into what it is after a write. */
type Change = (content: Buffer) => Buffer;

interface RecordedFile {
  now: Buffer;
  /** What is on the disk for certain; undefined before the first fsync. */
  synced: Buffer | undefined;
  /** What was written since. It is replaced, never changed. */
  unsynced: readonly Change[];
}

/** What happened, in order, to the database's files in `dataDir`. */
export function momentsOf(
  recordings: readonly Recording[],
  { dataDir }: { readonly dataDir: string },
): Moment[] {
  const files = new Map<string, RecordedFile>();
  const open = recordings.map(() => new Map<number, string>());
  const moments: Moment[] = [];
  let changes = 0;
  const add = (what: Pick<Moment, "by" | "told" | "touched">) => {
    const all = [...files].map(([name, file]) => ({ name, ...file }));
    const diskOf = (isKept: () => boolean) =>
      new Map(
        all.flatMap(({ name, synced, unsynced }) => {
          if (synced === undefined) return [];
          const kept = unsynced.filter(() => isKept());
          return [[name, kept.reduce((content, change) => change(content), synced)] as const];
        }),
      );
    moments.push({ ...what, changes, disk: diskOf(() => false), diskWith: diskOf });
  };
  for (const { by, name, args, result } of callsIn(recordings)) {
    if (result < 0) continue;
    const fd = Number.parseInt(args, 10);
    const file = files.get(open[by]?.get(fd) ?? "");
    const [first = "", second = ""] = textsIn(args).map(String);
    if (name === "openat") {
      if (first.startsWith(dataDir) && /turnwire\.db(-wal)?$/.test(first)) {
        open[by]?.set(result, basename(first));
        if (!files.has(basename(first))) {
          files.set(basename(first), { now: Buffer.alloc(0), synced: undefined, unsynced: [] });
        }
      } else if (/O_CREAT/.test(args)) add({ by, touched: first });
    } else if (name === "close") open[by]?.delete(fd);
    else if (["rename", "link"].includes(name)) add({ by, touched: second });
    else if (name === "unlink" && first.startsWith(dataDir)) files.delete(basename(first));
    else if (file !== undefined) {
      change(file, name, args);
      changes++;
    } else if (fd === 1 && name.startsWith("write")) {
      add({ by, told: Buffer.concat(textsIn(args)).toString() });
    }
  }
  return moments;
}

function change(file: RecordedFile, name: string, args: string): void {
  const [text = Buffer.alloc(0)] = textsIn(args);
  const last = Number(/(\d+)$/.exec(args)?.[1] ?? 0);
  if (name === "fsync" || name === "fdatasync") {
    file.synced = file.now;
    file.unsynced = [];
    return;
  }
  if (name !== "ftruncate" && name !== "pwrite64") return;
  const write: Change = (content) => {
    if (name === "ftruncate") return sized(content, last);
    const made = sized(content, Math.max(content.length, last + text.length));
    text.copy(made, last);
    return made;
  };
  file.now = write(file.now);
  file.unsynced = [...file.unsynced, write];
}

function sized(content: Buffer, size: number): Buffer {
  const made = Buffer.alloc(size);
  content.copy(made);
  return made;
}

function callsIn(recordings: readonly Recording[]): Call[] {
  const calls = recordings.flatMap(({ folder, threads }, by) =>
    readdirSync(folder)
      .filter((name) => threads.has(name.split(".").at(-1) ?? ""))
      .flatMap((name) => readFileSync(join(folder, name), "latin1").split("\n"))
      .flatMap((line): Call[] => {
        const found = /^(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+)/.exec(line);
        if (found === null) return [];
        const [, at = "", name = "", args = "", result = ""] = found;
        return [{ at: Number(at), by, name, args, result: Number(result) }];
      }),
  );
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
