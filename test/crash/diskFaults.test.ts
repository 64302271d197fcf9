// A disk that is full, read-only, locked or damaged, under the built server: whoever starts it is
// told what is wrong, no run is accepted that is not on disk, and nothing damaged is written over.
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { getuid, platform } from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { RpcError, ServerChild } from "../helpers/serverChild.js";
import { canMount, fill, removeDisk, smallDisk } from "../helpers/smallDisk.js";
import { openStored } from "../helpers/storedFile.js";
import { unless } from "../helpers/unless.js";
import { Playground } from "./playground.js";

let build: TestBuild;
let playground: Playground;
beforeAll(() => {
  build = buildServer({ faultPoints: false });
});
afterAll(() => build.remove());
beforeEach(async () => {
  playground = await Playground.open(build.main);
});
afterEach(() => playground.close());

const isRoot = getuid?.() === 0;

function mountSmallDisk(): () => void {
  smallDisk(playground.dataDir);
  return () => removeDisk(playground.dataDir);
}

const databaseFile = () => join(playground.dataDir, "turnwire.db");

/** A directory in which a run has ended, closed in good order. */
async function usedDirectory(): Promise<void> {
  const books = playground.books();
  const window = playground.window(books);
  await window.open();
  await window.send(books.send("run-0", 0, "run-0: say"));
  await expect.poll(() => books.isSettled).toBe(true);
  expect(await window.server.end()).toBe(0);
  // SQLite removes it where nothing else keeps the file open.
  expect(statSync(`${databaseFile()}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0);
}

/** Starts a server that must not come up; returns what it says. */
async function refusedStart(): Promise<string> {
  const server = new ServerChild({ main: build.main, dataDir: playground.dataDir });
  expect(await server.exited).toEqual({ code: 1, signal: null });
  const [line = ""] = server.stderr.match(/^turnwire: .*$/m) ?? [];
  return line;
}

describe("a disk that is full", () => {
  unless(
    test,
    !canMount,
    "a small disk can be mounted by Linux in a namespace alone",
  )("refuses runs, and keeps all that it accepted", async () => {
    const unmount = mountSmallDisk();
    try {
      const books = playground.books();
      const window = playground.window(books);
      await window.open();
      const first = books.send("run-0", 0, "run-0: tool, say");
      first.wasEndangered = true;
      await window.send(first);
      const free = fill(playground.dataDir);
      const runs = Array.from({ length: 40 }, (_, index) => {
        const run = books.send(`full-${index}`, index % 3, `full-${index}: tool, say`);
        run.wasEndangered = true;
        return window.send(run);
      });
      // Sessions are refused too, and asked for again.
      await expect.poll(() => window.refusals.length).toBeGreaterThan(0);
      free();
      await Promise.all(runs);
      expect(new Set(window.refusals)).toEqual(new Set(["StorageFailed"]));
      expect(await playground.settle()).toEqual([]);
    } finally {
      unmount();
    }
  });

  unless(
    test,
    !canMount,
    "a small disk can be mounted by Linux in a namespace alone",
  )("and a server that dies on it lose nothing", async () => {
    const unmount = mountSmallDisk();
    try {
      const books = playground.books();
      const window = playground.window(books);
      await window.open();
      const free = fill(playground.dataDir);
      const runs = Array.from({ length: 40 }, (_, index) => {
        const run = books.send(`full-${index}`, index % 3, `full-${index}: say`);
        run.wasEndangered = true;
        return window.send(run).catch(() => {});
      });
      expect(window.refusals).toEqual([]);
      await window.kill();
      await Promise.all(runs);
      const said = await refusedOrServed();
      expect(said).toMatch(/^$|the disk is full; free some space/);
      free();
      expect(await playground.settle()).toEqual([]);
    } finally {
      unmount();
    }
  });
});

/** What a start says on a disk that may or may not have room for it. */
async function refusedOrServed(): Promise<string> {
  const server = new ServerChild({ main: build.main, dataDir: playground.dataDir });
  await Promise.race([server.exited, server.request("ping").catch(() => {})]);
  if (!server.isGone) await server.kill();
  return server.stderr.match(/^turnwire: .*$/m)?.[0] ?? "";
}

describe("a file that may grow no further", () => {
  unless(
    test,
    platform === "win32",
    "Windows has no modes of files",
  )("refuses the run, with no effect", async () => {
    await usedDirectory();
    const limited = `trap '' XFSZ; ulimit -f 300; exec "${process.execPath}" "${build.main}" "$@"`;
    const server = new ServerChild({
      main: build.main,
      dataDir: playground.dataDir,
      program: ["bash", "-c", limited, "turnwire"],
    });
    const workspace = await server.request("createWorkspace", {
      path: playground.workspacePath,
      initAgent: true,
    });
    const workspaceId = workspace.id;
    const session = await server.request("createSession", { workspaceId });
    const accepted: string[] = [];
    const refused: string[] = [];
    for (let index = 0; refused.length < 3 && index < 500; index++) {
      const runId = `limited-${index}`;
      const params = { workspaceId, sessionId: session.id, runId, prompt: "@wait 60000" };
      await server.request("sendMessage", params).then(
        () => accepted.push(runId),
        (error: unknown) => {
          if (!(error instanceof RpcError)) throw error;
          expect(error.data).toMatchObject({ name: "StorageFailed", retryable: true });
          expect(error.message).not.toContain(playground.dataDir);
          refused.push(runId);
        },
      );
    }
    expect(refused.length).toBe(3);
    await server.kill();
    const database = openStored(databaseFile());
    const stored = database
      .prepare("SELECT runId FROM runs WHERE runId <> 'run-0' ORDER BY position")
      .all();
    database.close();
    expect(stored.map(({ runId }) => runId)).toEqual(accepted);
  });
});

describe("a disk that cannot be written", () => {
  unless(
    test,
    !canMount && isRoot,
    "root may write everywhere, and no read-only disk can be mounted",
  )("is told at the start, new or used", async () => {
    const unmount = canMount ? mountSmallDisk() : () => chmodSync(playground.dataDir, 0o700);
    const forbid = () => {
      if (canMount) execFileSync("mount", ["-o", "remount,ro", playground.dataDir]);
      else chmodSync(playground.dataDir, 0o500);
    };
    const allow = () => {
      if (canMount) execFileSync("mount", ["-o", "remount,rw", playground.dataDir]);
      else chmodSync(playground.dataDir, 0o700);
    };
    try {
      forbid();
      expect(await refusedStart()).toMatch(/cannot be (opened|written); check/);
      allow();
      await usedDirectory();
      forbid();
      expect(await refusedStart()).toMatch(/cannot be (opened|written); check/);
    } finally {
      unmount();
    }
  });
});

describe("a database that another program has locked", () => {
  test("is told at a start, and what a living server was asked waits until it is free", async () => {
    await usedDirectory();
    const books = playground.books();
    const window = playground.window(books);
    await window.open();
    const session = await window.session(0);
    expect(session).not.toBe("");
    const other = openStored(databaseFile());
    other.exec("BEGIN IMMEDIATE");
    const sending = window.send(books.send("locked", 0, "locked: say"));
    expect(await refusedStart()).toContain("another program holds it locked; try again");
    expect(window.refusals).toEqual([]);
    other.exec("ROLLBACK");
    other.close();
    await sending;
    expect(await playground.settle()).toEqual([]);
  });
});

describe("a file that is not what it should be is left as it is", () => {
  const cases: readonly [string, (bytes: Buffer) => void, RegExp][] = [
    ["its header is damaged", (bytes) => bytes.fill("damaged!", 0, 100), /is no SQLite database/],
    [
      "its pages are damaged",
      (bytes) => bytes.fill(0xa5, 4096 * 2),
      /it is damaged; it was left as it is/,
    ],
    [
      "a newer Turnwire wrote it",
      (bytes) => bytes.writeUInt32BE(99, 60),
      /a newer Turnwire \(sche/,
    ],
    [
      "another program wrote it",
      (bytes) => bytes.writeUInt32BE(7, 68),
      /another program's database; choose another --data-dir/,
    ],
  ];

  test.each(cases)("%s", async (_, damage, said) => {
    await usedDirectory();
    const bytes = readFileSync(databaseFile());
    damage(bytes);
    const file = openSync(databaseFile(), "r+");
    writeSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
    expect(await refusedStart()).toMatch(said);
    expect(readFileSync(databaseFile()).equals(bytes)).toBe(true);
  });
});
