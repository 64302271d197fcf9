// protocol.md section 4: a cancel that arrives after acceptance and before the turn begins.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, type ServerProcess } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

const outcomes = (session: WireSession) =>
  server
    .events("runComplete", { sessionId: session.sessionId })
    .map(({ runId, status }) => [runId, status]);

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("before the turn begins", () => {
  /** A `git` that says that it runs, and waits until a file appears: the turn is not made ready. */
  function slowGit(): {
    env: Record<string, string>;
    repository: string;
    hasBegun: () => boolean;
    release: () => void;
  } {
    const folder = makeFolder();
    const [begun, go] = [join(folder, "begun"), join(folder, "go")];
    const script = `#!/bin/sh\n: > ${begun}\nwhile [ ! -e ${go} ]; do sleep 0.02; done\nexit 1\n`;
    writeFileSync(join(folder, "git"), script);
    chmodSync(join(folder, "git"), 0o755);
    const repository = makeFolder();
    mkdirSync(join(repository, ".git"));
    return {
      repository,
      env: { PATH: `${folder}${delimiter}${process.env.PATH}` },
      hasBegun: () => existsSync(begun),
      release: () => writeFileSync(go, ""),
    };
  }

  it("a cancel ends the run as cancelled, with both messages and no model call", async () => {
    const git = slowGit();
    const session = await openSession(server, { env: git.env, path: git.repository });
    const calls = loopback.provider.requests.length;
    await session.send("hello", "early-1");
    await expect.poll(git.hasBegun).toBe(true);
    await session.send("waits", "early-2");
    expect(await session.cancel()).toEqual({
      cancelled: [
        { runId: "early-1", was: "accepted" },
        { runId: "early-2", was: "queued", prompt: "waits" },
      ],
    });
    await session.send("later", "early-3");
    expect(await server.completion("early-1")).toMatchObject({
      status: "cancelled",
      text: "",
      cause: "user",
    });
    git.release();
    expect(await server.completion("early-3")).toMatchObject({ status: "succeeded" });
    const messages = await session.messages();
    expect(messages.map(({ role, parts }) => [role, parts[0]])).toMatchObject([
      ["user", { type: "text", text: "hello" }],
      ["assistant", { type: "finish", reason: "cancelled" }],
      ["user", { type: "text", text: "later" }],
      ["assistant", { type: "text" }],
    ]);
    expect(loopback.provider.requests).toHaveLength(calls + 1);
    expect(outcomes(session)).toEqual([
      ["early-2", "cancelled"],
      ["early-1", "cancelled"],
      ["early-3", "succeeded"],
    ]);
  });

  it("`cancelRun` says so, and the others stay", async () => {
    const git = slowGit();
    const session = await openSession(server, { env: git.env, path: git.repository });
    const { workspaceId } = session;
    await session.send("hello", "soon-1");
    await session.send("waits", "soon-2");
    await session.send("waits too", "soon-3");
    await expect.poll(git.hasBegun).toBe(true);
    for (const runId of ["soon-1", "soon-3"]) {
      expect(await server.call("cancelRun", { workspaceId, runId })).toEqual({
        outcome: "cancelledBeforeStart",
      });
    }
    git.release();
    expect(await server.completion("soon-2")).toMatchObject({ status: "succeeded" });
    expect(outcomes(session).sort()).toEqual([
      ["soon-1", "cancelled"],
      ["soon-2", "succeeded"],
      ["soon-3", "cancelled"],
    ]);
  });
});
