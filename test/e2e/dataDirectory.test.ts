// protocol.md section 9: where the data is, and what is told where it cannot be used.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** Starts a server that cannot start; gives its exit code and what it said on stderr. */
async function refusal(dataDir: string, more: { args?: string[] } = {}) {
  const server = startServer({ dataDir, ...more });
  server.send(server.request("ping"));
  const { code } = await server.exit;
  expect(server.bytesRead).toBe(0);
  const lines = server.stderr.trim().split("\n");
  return { code, plain: lines.filter((line) => line.startsWith("turnwire: ")), lines };
}

describe("the data directory", () => {
  it("is `turnwire` in $XDG_STATE_HOME, made where it is missing, for its owner alone", async () => {
    const state = join(makeFolder(), "not", "there", "yet");
    const server = startServer({ dataDir: null, env: { XDG_STATE_HOME: state } });
    await server.settle();
    const directory = join(state, "turnwire");
    expect(existsSync(join(directory, "turnwire.db"))).toBe(true);
    if (process.platform !== "win32") expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  unless(
    it,
    notOnLinux,
    "the folder is another one outside of Linux",
  )("is in ~/.local/state unless told", async () => {
    const home = makeFolder();
    for (const env of [{ HOME: home }, { HOME: home, XDG_STATE_HOME: "relative" }]) {
      const server = startServer({ dataDir: null, env });
      await server.settle();
      await server.close();
    }
    expect(existsSync(join(home, ".local/state/turnwire/turnwire.db"))).toBe(true);
  });

  it("may have a name with every kind of character", async () => {
    const server = startServer({ dataDir: join(makeFolder(), "naïve ? # % 😀 'x'") });
    const session = await openSession(server);
    expect(await session.run("@say hi", "r-1")).toMatchObject({ text: "hi" });
  });

  it("holds one file that a person can open, and nothing of a server that has ended", async () => {
    const server = startServer();
    const session = await openSession(server);
    await session.run("@say hi", "r-1");
    await server.close();
    const database = openStored(join(server.dataDir, "turnwire.db"), { readOnly: true });
    const rows = database.prepare("SELECT runId, state FROM runs").all();
    const left = database.prepare("SELECT count(*) AS n FROM servers").get();
    database.close();
    expect(rows).toEqual([{ runId: "r-1", state: "completed" }]);
    expect(left).toEqual({ n: 0 });
  });

  it("is used by two servers at once", async () => {
    const one = startServer();
    const two = startServer({ dataDir: one.dataDir });
    const session = await openSession(one);
    const { path } = session;
    const other = await openSession(two, { path });
    expect(other.workspaceId).toBe(session.workspaceId);
    await Promise.all([session.run("@say 1", "r-1"), other.run("@say 2", "r-2")]);
    const { workspaceId } = session;
    expect((await one.call("listSessions", { workspaceId })).sessions).toHaveLength(2);
  });
});

describe("what cannot be used ends the server with 1 and one plain line on stderr", () => {
  it("a file in the directory's place", async () => {
    const file = join(makeFolder(), "file");
    writeFileSync(file, "mine");
    const { code, plain } = await refusal(file);
    expect(code).toBe(1);
    expect(plain).toEqual([expect.stringContaining(file)]);
    expect(readFileSync(file, "utf8")).toBe("mine");
  });

  it("a database of a newer schema, which is left as it is", async () => {
    const server = startServer();
    await server.settle();
    await server.close();
    const file = join(server.dataDir, "turnwire.db");
    const database = openStored(file);
    database.exec("PRAGMA user_version = 999");
    database.close();
    const before = readFileSync(file);
    const { code, plain } = await refusal(server.dataDir);
    expect(code).toBe(1);
    expect(plain).toEqual([expect.stringMatching(/newer.*999/)]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("another program's database, which is left as it is", async () => {
    const dataDir = makeFolder();
    const file = join(dataDir, "turnwire.db");
    const database = openStored(file);
    database.exec("CREATE TABLE cats (name TEXT)");
    database.close();
    const before = readFileSync(file);
    const { code, plain } = await refusal(dataDir);
    expect(code).toBe(1);
    expect(plain).toEqual([expect.stringContaining("another program's database")]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it("a file that is no database at all", async () => {
    const dataDir = makeFolder();
    writeFileSync(join(dataDir, "turnwire.db"), "once upon a time ".repeat(500));
    const { code, plain } = await refusal(dataDir);
    expect(code).toBe(1);
    expect(plain).toEqual([expect.stringContaining("no SQLite database")]);
  });

  it("a folder in the database's place", async () => {
    const dataDir = makeFolder();
    mkdirSync(join(dataDir, "turnwire.db"));
    const { code, plain } = await refusal(dataDir);
    expect(code).toBe(1);
    expect(plain).toHaveLength(1);
  });

  it("and the line stands alone where the log is silent or goes to a file", async () => {
    const file = join(makeFolder(), "file");
    writeFileSync(file, "");
    const log = join(makeFolder(), "server.log");
    for (const args of [
      ["--log-level", "silent"],
      ["--log-file", log],
    ]) {
      expect((await refusal(file, { args })).lines).toHaveLength(1);
    }
    expect(readFileSync(log, "utf8")).toContain("could not start");
  });
});

describe("the log", () => {
  it("goes to the file that is named, and stderr stays empty", async () => {
    const log = join(makeFolder(), "server.log");
    const server = startServer({ args: ["--log-file", log, "--log-level", "trace"] });
    const session = await openSession(server);
    await session.run("@say hi", "r-1");
    await server.close();
    expect(server.stderr).toBe("");
    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty("level");
  });

  it("that cannot be written does not end the server", async () => {
    const server = startServer({
      args: ["--log-file", join(makeFolder(), "no", "such", "folder")],
    });
    await server.settle();
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(server.stderr).toContain("turnwire: the log file failed");
  });
});

it("a command line that makes no sense is bad usage: 2, and nothing on stdout", async () => {
  for (const args of [["--framing", "morse"], ["--unheard-of"], ["--linger", "long"]]) {
    const server = startServer({ args });
    expect(await server.exit).toEqual({ code: 2, signal: null });
    expect(server.bytesRead).toBe(0);
    expect(server.stderr).not.toBe("");
    expect(server.stderr).not.toContain("    at ");
  }
});
