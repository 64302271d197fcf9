// Several windows of one client on one data directory (protocol.md sections 5 and 9), with the built
// server: a completion finds its client wherever it is.
import { execFile } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, describe, expect, inject, it } from "vitest";
import { type LoopbackProvider, reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { testNode } from "../helpers/testNode.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

const clientId = "the-editor";
const providers: LoopbackProvider[] = [];
afterEach(async () => {
  for (const provider of providers.splice(0)) await provider.close();
});
afterAll(endServers);

/** A server in which the run `r-1` of the client waits for its model, and what opens that gate. */
async function startWithRunningTurn(args: string[] = []) {
  const loopback = await startLoopbackServer({ args });
  const { server, provider, env } = loopback;
  providers.push(provider);
  await server.call("initialize", { clientId });
  const session = await openSession(server);
  const gate = new Gate(provider);
  provider.enqueue(reply().gate(gate.opened).text("all of it"));
  await session.send("hello", "r-1");
  await gate.reached();
  const beside = (): ServerProcess => startServer({ dataDir: server.dataDir, env });
  return { server, provider, session, gate, beside };
}

describe("a window that comes back while the old server lingers", () => {
  it("gets the completion pushed when the turn has ended there", async () => {
    const { server, gate, beside } = await startWithRunningTurn(["--linger", "60"]);
    const gone = server.close();
    const back = beside();
    expect(await back.call("initialize", { clientId })).toMatchObject({ pendingCompletions: 0 });
    gate.open();
    const completion = await back.completion("r-1");
    expect(completion).toMatchObject({ status: "succeeded", text: "all of it" });
    await gone;
    await back.call("acknowledge", { completionIds: [completion.completionId] });
    await back.close();
  });

  it("gets it told as interrupted when the old server is killed meanwhile", async () => {
    const { server, beside } = await startWithRunningTurn(["--linger", "60"]);
    server.child.stdin.end();
    const back = beside();
    expect(await back.call("initialize", { clientId })).toMatchObject({ pendingCompletions: 0 });
    await server.kill();
    expect(await back.completion("r-1")).toMatchObject({ status: "interrupted", cause: "crash" });
    await back.close();
  });
});

unless(
  describe,
  notOnLinux,
  "a lost lock is told from a dead process by /proc",
)("a server that another takes for dead", () => {
  it("stops the run, and its own client gets the completion that stands", async () => {
    const { server, beside } = await startWithRunningTurn();
    // Its lock and its entry are gone, as if its process could not be seen.
    const other = beside();
    await other.call("initialize", { clientId: "somebody else" });
    const sqlite = openStored(join(server.dataDir, "turnwire.db"));
    const [row] = sqlite.prepare("SELECT id FROM servers WHERE processId = ?").all(server.pid);
    const { id } = row as { id: string };
    rmSync(join(server.dataDir, "servers", `${id}.lock`));
    sqlite.prepare("UPDATE servers SET processId = NULL WHERE id = ?").run(id);
    sqlite.close();
    const completion = await server.completion("r-1");
    expect(completion).toMatchObject({ status: "interrupted", cause: "crash" });
    // It knows itself again, and goes on.
    const session = await openSession(server);
    expect(await session.run("hello again", "r-2")).toMatchObject({ status: "succeeded" });
    expect(readdirSync(join(server.dataDir, "servers"))).toHaveLength(2);
    expect(server.events("runComplete", { runId: "r-1" })).toHaveLength(1);
    await other.close();
    await server.close();
  });
});

describe("the answer to an end", () => {
  it("of a workspace comes behind the completions of what it ended", async () => {
    const { server, session } = await startWithRunningTurn();
    await session.send("waits", "r-2");
    server.send(server.request("deleteWorkspace", { workspaceId: session.workspaceId }, "end"));
    await server.answer("end");
    expect(ends(server)).toEqual(["r-2", "r-1", "answer"]);
  });

  it("of the server comes behind them too, and so does that of a client that reads nothing for a while", async () => {
    const { server, session } = await startWithRunningTurn();
    await session.send("waits", "r-2");
    server.child.stdout.pause();
    server.send(server.request("shutdown", {}, "end"));
    await new Promise((resolve) => setTimeout(resolve, 500));
    server.child.stdout.resume();
    await server.answer("end");
    expect(ends(server)).toEqual(["r-2", "r-1", "answer"]);
  });
});

/** The completions and the answer `end`, in the order of arrival. */
function ends(server: ServerProcess): unknown[] {
  return server.frames.flatMap((frame) => {
    if (frame.id === "end") return ["answer"];
    return frame.method === "runComplete" ? [(frame.params as { runId: string }).runId] : [];
  });
}

describe("`turnwire doctor`", () => {
  it("says who holds the data directory, since when, with what, and changes nothing", async () => {
    const { server, beside } = await startWithRunningTurn();
    const dead = beside();
    await dead.call("ping", {});
    const before = readdirSync(server.dataDir).sort();
    const examine = async () => {
      const args = [inject("serverScript"), "doctor", "--data-dir", server.dataDir];
      const env = { PATH: process.env.PATH, HOME: makeFolder() };
      const { stdout } = await promisify(execFile)(testNode, args, { env });
      return stdout.split("\n").filter((line) => /^(in use|left) by/.test(line));
    };
    const own = new RegExp(
      `^in use by {7}process ${server.pid}, Turnwire \\d\\S+, since \\d{4}-\\d\\d-\\d\\dT`,
    );
    expect(await examine()).toEqual([
      expect.stringMatching(own),
      expect.stringMatching(`^in use by {7}process ${dead.pid},`),
    ]);
    await dead.kill();
    // Somebody may have tidied up by then: the one that lives does so within seconds.
    const lines = await examine();
    expect(lines[0]).toMatch(own);
    for (const line of lines.slice(1))
      expect(line).toMatch(/^left by {9}process \d+, .* has ended/);
    expect(readdirSync(server.dataDir).sort()).toEqual(before);
    await server.close();
    const left = readdirSync(server.dataDir).sort();
    expect((await examine()).filter((line) => line.startsWith("in use"))).toEqual([]);
    expect(readdirSync(server.dataDir).sort()).toEqual(left);
  });
});
