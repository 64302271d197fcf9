// File systems without locks or without shared memory, as network and container mounts can be. strace
// answers the server's system calls on the database as such a file system would.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { unless } from "../helpers/unless.js";

const launcher = inject("serverScript");
const canInject = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;

interface Fault {
  readonly call: string;
  readonly error: string;
  /** What the names of the files end in that have it. */
  readonly endings: readonly string[];
}

function serveOn({ call, error, endings }: Fault) {
  const dataDir = mkdtempSync(join(tmpdir(), "odd-file-system-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const files = ["turnwire.db", "lock-probe.db"].flatMap((name) =>
    endings.map((ending) => join(dataDir, name + ending)),
  );
  const { status, stderr, stdout } = spawnSync(
    "strace",
    [
      ...[
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        `trace=${call}`,
        "-e",
        `inject=${call}:error=${error}`,
      ],
      ...files.flatMap((file) => ["-P", file]),
      ...[process.execPath, launcher, "serve", "--data-dir", dataDir],
    ],
    {
      encoding: "utf8",
      input: "",
      timeout: 120_000,
      env: { PATH: process.env.PATH, HOME: dataDir },
    },
  );
  return { status, stderr, stdout, left: readdirSync(dataDir) };
}

unless(test, !canInject, "no strace, or no right to use it").each<[string, Fault]>([
  ["locks", { call: "fcntl", error: "ENOLCK", endings: [""] }],
  ["locks", { call: "fcntl", error: "ENOSYS", endings: [""] }],
  ["shared memory", { call: "mmap", error: "ENODEV", endings: ["-shm"] }],
])(
  "a file system without %s is named as such, with what to do (needs strace) %#",
  (what, fault) => {
    const { status, stderr, stdout, left } = serveOn(fault);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(`the data directory is on a file system without ${what}`);
    expect(stderr).toContain("--data-dir");
    expect(stderr).not.toContain("another program");
    expect(left.filter((name) => name.startsWith("lock-probe"))).toEqual([]);
  },
);
