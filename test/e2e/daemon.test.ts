// protocol.md section 2, The daemon: who finds it, who may, and how it begins and ends.
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DaemonChild, endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { fileGate } from "../helpers/fileGate.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endDaemons();
  await endServers();
});

const onUnix = unless(it, onWindows, "a pipe of Windows has no permissions that Node tells");
const inDirectory = (dataDir: string) => ["--data-dir", dataDir];

describe("the daemon", () => {
  it("says that it is one, and what it can", async () => {
    const daemon = await startDaemon();
    const client = daemon.client({ framing: "header" });
    const { capabilities } = await client.call("initialize", { clientId: "ada" });
    expect(capabilities.daemon).toBe(true);
    expect(capabilities.methods).toContain("daemonStatus");
    const status = await client.call("daemonStatus", {});
    expect(status).toMatchObject({ pid: daemon.pid, dataDirectory: daemon.dataDir, isBusy: false });
  });

  onUnix("has a socket that only its owner can reach, and takes SIGTERM", async () => {
    const daemon = await startDaemon();
    expect(lstatSync(daemon.socket).mode & 0o777).toBe(0o600);
    expect(statSync(daemon.dataDir).mode & 0o022).toBe(0);
    daemon.child.kill("SIGTERM");
    expect(await daemon.exit).toEqual({ code: 0, signal: null });
    expect(existsSync(daemon.socket)).toBe(false);
    expect(existsSync(join(daemon.dataDir, "daemon.json"))).toBe(false);
  });

  onUnix("opens its log again at SIGHUP, and ends at it where it has none", async () => {
    const log = join(makeFolder(), "daemon.log");
    const daemon = await startDaemon({ args: ["--log-file", log, "--log-level", "debug"] });
    await expect.poll(() => existsSync(log) && readFileSync(log, "utf8")).toContain("serves");
    renameSync(log, `${log}.old`);
    daemon.child.kill("SIGHUP");
    const client = daemon.client();
    await client.call("ping", {});
    client.notify("$/noSuchThing");
    await expect.poll(() => existsSync(log) && readFileSync(log, "utf8")).toContain("noSuchThing");
    await client.call("stopDaemon", {});
    expect(await daemon.exit).toEqual({ code: 0, signal: null });
    const other = await startDaemon();
    other.child.kill("SIGHUP");
    expect(await other.exit).toEqual({ code: 0, signal: null });
  });

  it("is one a data directory: the second says so and ends, the first stays", async () => {
    const first = await startDaemon();
    const second = new DaemonChild({ dataDir: first.dataDir });
    expect(await second.exit).toEqual({ code: 75, signal: null });
    expect(second.stderr).toContain("serves");
    await first.client().call("ping", {});
  });

  onUnix("replaces the socket of one that was killed, and nothing else", async () => {
    const first = await startDaemon();
    await first.kill();
    expect(existsSync(first.socket)).toBe(true);
    // Whatever has copied the folder need not have kept its permissions.
    chmodSync(first.socket, 0o755);
    const none = await runProgram(["serve", "--attach", ...inDirectory(first.dataDir)]);
    expect(none.code).toBe(69);
    const second = await startDaemon({ dataDir: first.dataDir });
    await second.client().call("ping", {});
    const dataDir = makeFolder();
    writeFileSync(join(dataDir, "daemon.sock"), "a file of somebody's");
    const third = new DaemonChild({ dataDir });
    expect((await third.exit).code).toBe(1);
    expect(third.stderr).toContain("is in the place of the socket");
  });

  onUnix("does not serve in a folder that others can write to", async () => {
    const dataDir = makeFolder();
    chmodSync(dataDir, 0o770);
    const daemon = new DaemonChild({ dataDir });
    expect((await daemon.exit).code).toBe(1);
    expect(daemon.stderr).toContain("other users can write to the folder");
  });

  onUnix("has a short path where the data directory's is too long", async () => {
    const dataDir = join(makeFolder(), "d".repeat(120));
    const runtime = makeFolder();
    const env = { XDG_RUNTIME_DIR: runtime };
    const told = await runProgram(["daemon", "start", ...inDirectory(dataDir)], env);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(join(runtime, "turnwire")).mode & 0o777).toBe(0o700);
    const status = await runProgram(["daemon", "status", "--json", ...inDirectory(dataDir)], env);
    expect(JSON.parse(status.stdout)).toMatchObject({ isRunning: true, dataDirectory: dataDir });
    // A command without the session's environment, as of cron, finds it too, and so it can be stopped.
    const elsewhere = { XDG_RUNTIME_DIR: join(runtime, "missing") };
    const stopped = await runProgram(["daemon", "stop", ...inDirectory(dataDir)], elsewhere);
    expect(stopped.stdout).toContain("has ended");
    expect(readdirSync(join(runtime, "turnwire"))).toEqual([]);
  });

  onUnix(
    "does without a runtime folder that is not there, and is not found by a copy",
    async () => {
      const dataDir = join(makeFolder(), "d".repeat(120));
      const env = { XDG_RUNTIME_DIR: join(makeFolder(), "missing"), TMPDIR: makeFolder() };
      const started = await runProgram(["daemon", "start", ...inDirectory(dataDir)], env);
      expect(started).toMatchObject({ code: 0, stderr: "" });
      const copy = `${dataDir}-copy`;
      cpSync(dataDir, copy, { recursive: true });
      expect((await runProgram(["daemon", "status", ...inDirectory(copy)], env)).code).toBe(3);
      expect((await runProgram(["daemon", "stop", ...inDirectory(dataDir)], env)).code).toBe(0);
    },
  );

  onUnix(
    "listens anew where its socket is gone, notes that again, and ends where its data directory is gone",
    async () => {
      const first = await startDaemon();
      rmSync(first.socket);
      const client = first.client();
      await client.call("ping", {});
      const note = join(first.dataDir, "daemon.json");
      rmSync(note);
      await expect.poll(() => existsSync(note), { timeout: 10_000 }).toBe(true);
      expect(JSON.parse(readFileSync(note, "utf8"))).toMatchObject({ pid: first.pid });
      const { dataDir } = first;
      renameSync(dataDir, `${dataDir}-moved`);
      const second = await startDaemon({ dataDir });
      expect(await first.exit).toEqual({ code: 1, signal: null });
      expect(first.stderr).toContain("the data directory was deleted or replaced");
      // It has left alone what is another one's.
      await second.client().call("ping", {});
      expect(existsSync(join(dataDir, "daemon.json"))).toBe(true);
      expect(await client.exit).toMatchObject({ code: 1 });
    },
  );

  onUnix("takes no folder for its socket that others can open", async () => {
    const dataDir = join(makeFolder(), "d".repeat(120));
    const runtime = makeFolder();
    mkdirSync(join(runtime, "turnwire"), { mode: 0o755 });
    const daemon = new DaemonChild({ dataDir, env: { XDG_RUNTIME_DIR: runtime } });
    expect((await daemon.exit).code).toBe(1);
    expect(daemon.stderr).toContain("0700");
  });

  it("ends when nobody has needed it for the idle time, and not before", async () => {
    const daemon = await startDaemon({ args: ["--idle", "4"] });
    const client = daemon.client();
    await client.call("ping", {});
    const first = await Promise.race([
      daemon.exit.then(() => "ended"),
      new Promise((resolve) => setTimeout(() => resolve("serves"), 4800)),
    ]);
    expect(first).toBe("serves");
    await client.close();
    expect((await daemon.exit).code).toBe(0);
  });
});

describe("start, stop and status", () => {
  it("start one daemon, however many start at once, and end it", async () => {
    const dataDir = makeFolder();
    const starts = await Promise.all(
      [1, 2, 3].map(() => runProgram(["daemon", "start", ...inDirectory(dataDir)])),
    );
    expect(starts.map(({ code }) => code)).toEqual([0, 0, 0]);
    const pids = starts.map(({ stdout }) => /process (\d+)/.exec(stdout)?.[1]);
    expect(new Set(pids).size).toBe(1);
    const again = await runProgram(["daemon", "start", ...inDirectory(dataDir)]);
    expect(again.stdout).toContain("serves already");
    expect((await runProgram(["daemon", "status", ...inDirectory(dataDir)])).code).toBe(0);
    const stopped = await runProgram(["daemon", "stop", ...inDirectory(dataDir)]);
    expect(stopped).toMatchObject({ code: 0, stderr: "" });
    expect((await runProgram(["daemon", "status", ...inDirectory(dataDir)])).code).toBe(3);
    expect((await runProgram(["daemon", "stop", ...inDirectory(dataDir)])).code).toBe(0);
  });

  it("tell why none starts", async () => {
    const file = join(makeFolder(), "a file");
    writeFileSync(file, "");
    const { code, stderr } = await runProgram(["daemon", "start", ...inDirectory(file)]);
    expect(code).toBe(1);
    expect(stderr).toContain(file);
    // Only what this one said, and not what the log has of earlier ones.
    const dataDir = makeFolder();
    writeFileSync(join(dataDir, "daemon.log"), "an earlier trouble\n");
    writeFileSync(join(dataDir, "daemon.sock"), "a file of somebody's");
    const taken = await runProgram(["daemon", "start", ...inDirectory(dataDir)]);
    expect(taken.code).toBe(1);
    expect(taken.stderr).toContain("is in the place of the socket");
    expect(taken.stderr).not.toContain("earlier");
  });
});

describe("a daemon that drains", () => {
  it("makes room at once, begins nothing new, and ends with its last run", async () => {
    const old = await startDaemon();
    const editor = old.client();
    await editor.call("initialize", { clientId: "editor" });
    const session = await openSession(editor);
    const gate = fileGate();
    await session.send(`${gate.step}\n@say To its end.`, "drained");
    await editor.call("stopDaemon", { drain: true });
    expect(existsSync(old.socket)).toBe(false);
    // A client that comes between the two waits for the new one.
    const early = old.client();
    const next = await startDaemon({ dataDir: old.dataDir });
    expect((await early.call("daemonStatus", {})).pid).toBe(next.pid);
    expect(await editor.failure("sendMessage", session.params("more", "refused"))).toBe(
      "ServerShuttingDown",
    );
    const { workspaceId } = session;
    await early.call("createWorkspace", { path: session.path });
    expect(await early.call("subscribe", session.ids)).toMatchObject({ live: false });
    gate.open();
    expect(await editor.completion("drained")).toMatchObject({ text: "To its end." });
    expect((await old.exit).code).toBe(0);
    // Its end is no end of the new one's socket.
    await next.client().call("ping", {});
    expect(await early.call("getRun", { workspaceId, runId: "drained" })).toMatchObject({
      state: "completed",
    });
  });
});

describe("serve --attach", () => {
  it("is 69 without a daemon, and with --start there is one", async () => {
    const dataDir = makeFolder();
    const none = await runProgram(["serve", "--attach", ...inDirectory(dataDir)]);
    expect(none.code).toBe(69);
    expect(none.stderr).toContain("turnwire daemon start");
    const started = await runProgram(["serve", "--attach", "--start", ...inDirectory(dataDir)]);
    expect(started).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect((await runProgram(["daemon", "stop", ...inDirectory(dataDir)])).code).toBe(0);
  });

  it.each([["--attach", "--framing", "header"], ["--attach", "--linger=3"], ["--start"]])(
    "is a usage error with %s %s %s",
    async (...args) => {
      const { code, stderr } = await runProgram(["serve", ...args.filter(Boolean)]);
      expect(code).toBe(2);
      expect(stderr).toContain("--attach");
    },
  );

  it("ends with 0 after shutdown and exit, 1 after exit alone, 1 when the daemon is lost", async () => {
    const daemon = await startDaemon();
    const [polite, rude, last, leaving] = [1, 2, 3, 4].map(() => daemon.client()) as [
      ReturnType<DaemonChild["client"]>,
      ReturnType<DaemonChild["client"]>,
      ReturnType<DaemonChild["client"]>,
      ReturnType<DaemonChild["client"]>,
    ];
    await polite.call("shutdown", {});
    polite.notify("exit");
    expect((await polite.exit).code).toBe(0);
    await rude.settle();
    rude.notify("exit");
    expect((await rude.exit).code).toBe(1);
    await leaving.settle();
    expect((await leaving.close()).code).toBe(0);
    await last.settle();
    await daemon.kill();
    expect((await last.exit).code).toBe(1);
    expect(last.stderr).toContain("the daemon was lost");
  });

  onUnix("goes to no socket that others can reach", async () => {
    const daemon = await startDaemon();
    await daemon.client().settle();
    chmodSync(daemon.socket, 0o666);
    const refused = await runProgram(["serve", "--attach", ...inDirectory(daemon.dataDir)]);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("other users can reach the socket");
  });

  it("answers what was asked before the input ended", async () => {
    const daemon = await startDaemon();
    const client = daemon.client();
    client.send(client.request("ping", {}, "last"));
    client.child.stdin.end();
    expect((await client.answer("last")).result).toEqual({});
    expect((await client.exit).code).toBe(0);
  });

  it("tells of another configuration and other keys, and gives neither away", async () => {
    const daemon = await startDaemon({ env: { OPENAI_API_KEY: "sk-the-daemons" } });
    const client = daemon.client({ env: { OPENAI_API_KEY: "sk-the-clients" } });
    const { environment } = await client.call("daemonStatus", {});
    expect(JSON.stringify(environment)).not.toContain("sk-");
    expect(client.stderr).toContain("another OPENAI_API_KEY");
    const same = daemon.client();
    await same.settle();
    expect(same.stderr).toBe("");
  });

  it("passes bytes unchanged, also those that are no message", async () => {
    const daemon = await startDaemon();
    const socket = await daemon.connect();
    let bare = "";
    socket.on("data", (chunk: Buffer) => {
      bare += chunk.toString();
    });
    const odd = '{"jsonrpc":"2.0","id":1,"method":"nothing"}\n{"broken\n';
    socket.end(odd);
    await once(socket, "close");
    const client = daemon.client();
    client.sendRaw(odd);
    client.child.stdin.end();
    await client.exit;
    expect(client.texts.join("\n")).toBe(bare.trim());
  });
});
