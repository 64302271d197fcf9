// protocol.md section 4, Going on after a loss: servers that open workspaces by themselves.
import { existsSync, readdirSync, readFileSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endDaemons, startDaemon } from "../helpers/daemonChild.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endDaemons();
  await endServers();
});

const options = { onServerLoss: "continue" } as const;
const script = `@wait 3000\n@tool bash ${JSON.stringify({ command: "echo hi >> a.txt" })}\n@say done`;

/** A run whose server is gone before it has done anything. */
async function left(created: object, path = makeFolder(), isPaused = false) {
  const server = startServer();
  await server.call("initialize", { clientId: "ada" });
  const session = await openSession(server, { path, permissionMode: "allow" });
  await server.call("createWorkspace", { path, ...created });
  await server.call("sendMessage", { ...session.ids, runId: "r", prompt: script, options });
  if (isPaused) {
    await server.call("pauseQueue", session.ids);
    await server.call("sendMessage", { ...session.ids, runId: "queued", prompt: "@say later" });
    await server.call("cancelRun", { ...session.ids, runId: "r" });
    await server.completion("r");
  }
  server.child.kill("SIGKILL");
  await server.exit;
  const { dataDir } = server;
  const next = async (args: string[]) => {
    const other = startServer({ dataDir, args });
    await other.call("initialize", { clientId: "ada" });
    return other;
  };
  const effects = () =>
    existsSync(join(path, "a.txt")) ? readFileSync(join(path, "a.txt"), "utf8") : "";
  return { next, path, effects, dataDir, ids: session.ids };
}

const openIn = async (server: ServerProcess) =>
  ((await server.call("listWorkspaces", {})) as { workspaces: unknown[] }).workspaces;

describe.concurrent("a server with --resume", () => {
  it("goes on with the runs of a resumable workspace that nobody has opened, in their mode", async () => {
    const { next, effects } = await left({ resumable: true });
    const server = await next(["--resume"]);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded", continuations: 1 });
    expect(effects()).toBe("hi\n");
    expect(await openIn(server)).toHaveLength(1);
  });

  it("takes the first options of the client that opens the workspace then", async () => {
    const { next, path } = await left({ resumable: true });
    const server = await next(["--resume"]);
    await server.completion("r");
    const told = await server.call("createWorkspace", { path, permissionMode: "plan" });
    expect(told).toMatchObject({ permissionMode: "plan" });
  });

  it.each([
    ["without being asked", { resumable: true }, []],
    ["of a client that did not allow it", {}, ["--resume"]],
    ["of a client that took it back", { resumable: false }, ["--resume"]],
  ])("opens none %s", async (_, created, args) => {
    const { next, path, effects } = await left(created);
    const server = await next(args);
    expect(await openIn(server)).toEqual([]);
    expect(await server.call("listRuns", {})).toMatchObject({
      runs: [{ runId: "r", state: "waiting" }],
    });
    expect(effects()).toBe("");
    await server.call("createWorkspace", { path, permissionMode: "allow" });
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
  });

  it("leaves the runs of a folder that is gone to wait", async () => {
    const { next, path } = await left({ resumable: true });
    renameSync(path, `${path}-moved`);
    const server = await next(["--resume"]);
    expect(await openIn(server)).toEqual([]);
    await server.close();
    renameSync(`${path}-moved`, path);
    const again = await next(["--resume"]);
    expect(await again.completion("r")).toMatchObject({ status: "succeeded" });
  });
});

it("lets a session be deleted whose folder is gone, and ends what waits there", async () => {
  const { next, path, ids } = await left({ resumable: true });
  renameSync(path, `${path}-moved`);
  const server = await next([]);
  expect(await server.call("deleteSession", ids)).toEqual({});
  expect(await server.completion("r")).toMatchObject({ status: "cancelled", cause: "deleted" });
  expect(await server.failure("deleteSession", ids)).toBe("SessionNotFound");
});

it("lets a session be deleted whose folder is gone with a paused queue", async () => {
  const { next, path, ids } = await left({}, makeFolder(), true);
  renameSync(path, `${path}-moved`);
  const server = await next([]);
  expect(await server.call("deleteSession", ids)).toEqual({});
  expect(await server.completion("queued")).toMatchObject({ cause: "deleted", neverRan: true });
});

it.each([
  ["goes on with a run whose server died six days ago", 6, { status: "succeeded" }],
  [
    "ends a run whose server died eight days ago",
    8,
    { status: "interrupted", errorName: "WaitedTooLong" },
  ],
])("a server %s", async (_, days, end) => {
  const { next, dataDir } = await left({ resumable: true });
  const locks = join(dataDir, "servers");
  const diedAt = Date.now() / 1000 - days * 86_400;
  for (const name of readdirSync(locks)) utimesSync(join(locks, name), diedAt, diedAt);
  const server = await next(["--resume"]);
  expect(await server.completion("r")).toMatchObject(end);
});

it("a daemon resumes by itself, and closes the workspace behind the last run", async () => {
  const { dataDir, effects } = await left({ resumable: true });
  const daemon = await startDaemon({ dataDir });
  const client = daemon.client();
  await client.call("initialize", { clientId: "ada" });
  expect(await client.completion("r")).toMatchObject({ status: "succeeded", continuations: 1 });
  expect(effects()).toBe("hi\n");
  await expect.poll(() => openIn(client)).toEqual([]);
});
