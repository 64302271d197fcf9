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
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LogFile } from "../../src/cli/logFile.js";
import { LogSink } from "../../src/transport/logSink.js";
import { canMount, fill, removeDisk, smallDisk } from "../helpers/smallDisk.js";
import { unless } from "../helpers/unless.js";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "turnwire-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(name: string, now?: () => number) {
  const stderr = new PassThrough();
  const said: string[] = [];
  stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const path = join(folder, name);
  return { path, said, file: new LogFile(path, new LogSink(stderr), now) };
}

describe("the log's file", () => {
  it("is its owner's alone, and is put aside when it is large; five old ones stay", async () => {
    const { path, file, said } = open("server.log");
    const line = `${"x".repeat(1024 * 1024 - 1)}\n`;
    for (let index = 0; index < 75; index++) {
      file.write(line);
      // As lines come: not faster than the disk takes them.
      while (readdirSync(folder).length === 0)
        await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await file.flushed();
    const names = readdirSync(folder).sort();
    expect(names).toEqual(["server.log", ...[1, 2, 3, 4, 5].map((at) => `server.log.${at}`)]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(`${path}.1`).size).toBeGreaterThanOrEqual(10 * 1024 * 1024);
    expect(said).toEqual([]);
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
