// The log's file: when it is begun anew, and what becomes of lines that it cannot take.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LogFile } from "../../src/cli/logFile.js";
import { LogSink } from "../../src/transport/logSink.js";
import { canMount, fill, removeDisk, smallDisk } from "../helpers/smallDisk.js";
import { unless } from "../helpers/unless.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-log-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

function open(name: string, now?: () => number) {
  const stderr = new PassThrough();
  const said: string[] = [];
  stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const path = join(folder, name);
  return { path, said, file: new LogFile(path, new LogSink(stderr), now) };
}

/** Resolves when the file has this size: until then lines wait, or it is put aside. */
async function holds(path: string, bytes: number): Promise<void> {
  while (statSync(path, { throwIfNoEntry: false })?.size !== bytes) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the log's file", () => {
  it("is its owner's alone, and is put aside when it is large; five old ones stay", async () => {
    const { path, file, said } = open("server.log");
    const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
    for (let index = 1; index <= 75; index++) {
      file.write(line);
      // As lines come: not faster than the disk takes them, because more than 1 MiB may not wait for it.
      await holds(path, (index % 10) * line.length);
    }
    await file.flushed();
    const names = readdirSync(folder).sort();
    expect(names).toEqual(["server.log", ...[1, 2, 3, 4, 5].map((at) => `server.log.${at}`)]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}.1`).size).toBeGreaterThanOrEqual(10 * 1024 * 1024);
    expect(said).toEqual([]);
  });

  it("is put aside at midnight while it is open", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 0, 31, 23, 59, 59, 900) });
    const { path, file, said } = open("server.log");
    file.write("of January\n");
    await holds(path, 11);
    vi.setSystemTime(new Date(2026, 1, 1, 0, 0, 0, 1));
    await expect.poll(() => readdirSync(folder)).toContain("server.log.1");
    file.write("of February\n");
    await file.flushed();
    expect(readFileSync(`${path}.1`, "utf8")).toBe("of January\n");
    expect(readFileSync(path, "utf8")).toBe("of February\n");
    expect(said).toEqual([]);
  });

  it("of an earlier day is put aside when it is opened, and one of today goes on", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 2, 9, 12) });
    const path = join(folder, "server.log");
    for (const name of ["", ".1", ".2", ".3", ".4", ".5"])
      writeFileSync(`${path}${name}`, `was${name}\n`);
    const sets = (at: Date) => utimesSync(path, at, at);
    sets(new Date(2026, 2, 8, 23, 59, 59));
    const first = open("server.log").file;
    first.write("one\n");
    await first.flushed();
    expect(readFileSync(path, "utf8")).toBe("one\n");
    const old = [1, 2, 3, 4, 5].map((at) => readFileSync(`${path}.${at}`, "utf8"));
    expect(old).toEqual(["was\n", "was.1\n", "was.2\n", "was.3\n", "was.4\n"]);
    sets(new Date(2026, 2, 9, 0, 0, 1));
    const second = open("server.log").file;
    second.write("two\n");
    await second.flushed();
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect(readdirSync(folder)).toHaveLength(6);
  });

  it("is opened again when it was moved, and loses no line", async () => {
    const { path, file } = open("server.log");
    file.write("one\n");
    await expect.poll(() => readdirSync(folder)).toEqual(["server.log"]);
    await expect.poll(() => readFileSync(path, "utf8")).toBe("one\n");
    renameSync(path, `${path}.old`);
    file.write("two\n");
    file.reopen();
    file.write("three\n");
    await file.flushed();
    await expect.poll(() => readFileSync(`${path}.old`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  it("that cannot be written is told once and tried again later; its lines go to stderr", async () => {
    let now = 0;
    const { path, file, said } = open(join("none", "server.log"), () => now);
    file.write("one\n");
    file.write("two\n");
    expect(said.join("")).toMatch(/^turnwire: the log file failed: ENOENT.*\none\ntwo\n$/);
    mkdirSync(join(folder, "none"));
    now = 61_000;
    file.write("three\n");
    await file.flushed();
    expect(readFileSync(path, "utf8")).toBe("three\n");
  });

  it("may be a device", async () => {
    const { file, said } = open("../../../../../../../../dev/null");
    file.write("one\n");
    await file.flushed();
    expect(said).toEqual([]);
  });
});

unless(
  it,
  process.getuid?.() === 0,
  "root may write into every folder",
)("a folder without a right to write is told, and no more", () => {
  chmodSync(folder, 0o500);
  const { file, said } = open("server.log");
  file.write("one\n");
  return expect.poll(() => said.join("")).toContain("the log file failed");
});

unless(
  it,
  !canMount,
  "only root on Linux can make a small disk",
)("a full disk is told once; lines go to stderr, and to the file when there is room", async () => {
  smallDisk(folder);
  try {
    let now = 0;
    const { path, file, said } = open("server.log", () => now);
    file.write("before\n");
    await expect.poll(() => readFileSync(path, "utf8")).toBe("before\n");
    const free = fill(folder);
    // The first may fill what is left of the file's last page.
    file.write(`${"x".repeat(8000)}\n`);
    file.write(`${"y".repeat(8000)}\n`);
    await expect.poll(() => said.join("")).toContain("the log file failed: ENOSPC");
    file.write("during\n");
    free();
    file.write("soon after\n");
    expect(said.join("").match(/failed/g)).toHaveLength(1);
    expect(said.join("")).toMatch(/y{8000}\nturnwire: the log.*\nduring\nsoon after\n$/);
    now = 61_000;
    file.write("after\n");
    await file.flushed();
    expect(readFileSync(path, "utf8")).toMatch(/^before\nx*after\n$/);
  } finally {
    removeDisk(folder);
  }
});
