// What becomes of a server when its data directory is taken away, and of a directory that no server
// can use.
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { fileGate } from "../helpers/fileGate.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "data-lost-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file below a folder, with what stands for its content. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path, createHash("sha256").update(readFileSync(path)).digest("hex")];
      }),
  );
}

const ways: [string, (dataDir: string) => void][] = [
  ["deleted", (dataDir) => rmSync(dataDir, { recursive: true })],
  ["moved away", (dataDir) => renameSync(dataDir, `${dataDir}-moved`)],
  [
    "replaced by an empty one",
    (dataDir) => {
      rmSync(dataDir, { recursive: true });
      mkdirSync(dataDir);
    },
  ],
  ["emptied of its database alone", (dataDir) => rmSync(join(dataDir, "turnwire.db"))],
  ["emptied of its log alone", (dataDir) => rmSync(join(dataDir, "turnwire.db-wal"))],
  [
    "put in place of a copy",
    (dataDir) => {
      const file = join(dataDir, "turnwire.db");
      const copy = readFileSync(file);
      rmSync(file);
      writeFileSync(file, copy);
    },
  ],
];

unless(
  describe,
  onWindows,
  "Windows deletes no open file",
)("a data directory that is taken from under a living server", () => {
  it.each(ways)("and is %s: no prompt is accepted into nowhere any more", async (_how, take) => {
    const dataDir = join(temporaryFolder(), "data");
    const server = startServer({ dataDir });
    await server.call("initialize", { clientId: "a" });
    const session = await openSession(server);
    const { completionId, text } = await session.run("@say before", "r-1");
    expect(text).toBe("before");
    take(dataDir);
    const { workspaceId: id } = session.ids;
    for (const [method, params] of [
      ["createSession", { workspaceId: id }],
      ["updateSession", { ...session.ids, title: "after" }],
      ["acknowledge", { completionIds: [completionId] }],
      ["deleteSession", session.ids],
    ] as const) {
      const { data } = await server.fail(method, params);
      expect([method, data]).toMatchObject([method, { reason: "databaseReplaced" }]);
    }
    const error = await server.fail("sendMessage", {
      ...session.ids,
      prompt: "@say after",
      runId: "r-2",
    });
    expect(error.data).toMatchObject({ name: "StorageFailed", reason: "databaseReplaced" });
    expect(error.message).toContain("deleted or replaced");
    server.child.kill("SIGKILL");
    await server.exit;
    // The next server on that path has not heard of it, which is what the client was told.
    const next = startServer({ dataDir });
    await next.call("initialize", { clientId: "a" });
    const { id: workspaceId } = await next.call("createWorkspace", { path: session.path });
    expect(await next.fail("getRun", { workspaceId, runId: "r-2" })).toMatchObject({
      data: { name: "RunNotFound" },
    });
  });
});

unless(
  describe,
  notOnLinux,
  "/proc tells when a process began",
)("a lock that somebody removed", () => {
  it("does not make a living server a dead one: its run ends once, as it ends", async () => {
    const first = startServer();
    await first.call("initialize", { clientId: "a" });
    const session = await openSession(first);
    const gate = fileGate();
    await session.send(`${gate.step}\n@say done`, "r-1");
    await first.event("messageCreated");
    for (const name of readdirSync(join(first.dataDir, "servers"))) {
      rmSync(join(first.dataDir, "servers", name));
    }
    const second = startServer({ dataDir: first.dataDir });
    await second.call("initialize", { clientId: "b" });
    const { id: workspaceId } = await second.call("createWorkspace", { path: session.path });
    expect(await second.call("getRun", { workspaceId, runId: "r-1" })).toMatchObject({
      state: "running",
    });
    gate.open();
    expect(await first.completion("r-1")).toMatchObject({ status: "succeeded", text: "done" });
  });
});

describe("a start that is refused", () => {
  /** A directory with a run that a killed server left open, and a damaged table. */
  async function damagedDirectory(): Promise<string> {
    const dataDir = join(temporaryFolder(), "data");
    const server = startServer({ dataDir });
    await server.call("initialize", { clientId: "a" });
    const session = await openSession(server);
    await session.send("@wait 60000", "r-1");
    server.child.kill("SIGKILL");
    await once(server.child, "exit").catch(() => undefined);
    const file = join(dataDir, "turnwire.db");
    const sqlite = openStored(file);
    sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const { rootpage } = sqlite
      // Without this table no server can make itself known; damage elsewhere is passed over.
      .prepare("SELECT rootpage FROM sqlite_master WHERE name = 'servers'")
      .get() as { rootpage: number };
    const { page_size: size } = sqlite.prepare("PRAGMA page_size").get() as { page_size: number };
    sqlite.close();
    const bytes = readFileSync(file);
    bytes.fill(0xa5, (rootpage - 1) * size, rootpage * size);
    writeFileSync(file, bytes);
    return dataDir;
  }

  it("for a damaged database names the file, and changes nothing, however often", async () => {
    const dataDir = await damagedDirectory();
    const before = contents(dataDir);
    for (let time = 0; time < 3; time++) {
      const server = startServer({ dataDir });
      expect(await server.exit).toEqual({ code: 1, signal: null });
      expect(server.stderr).toContain(`The database ${join(dataDir, "turnwire.db")} failed`);
      expect(server.stderr).toContain("it is damaged");
      const after = contents(dataDir);
      delete after[join(dataDir, "turnwire.db-shm")];
      delete before[join(dataDir, "turnwire.db-shm")];
      expect(after).toEqual(before);
    }
    expect(existsSync(join(dataDir, "turnwire.db"))).toBe(true);
  });
});
