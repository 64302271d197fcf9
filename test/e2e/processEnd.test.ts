// protocol.md section 1: how the server ends, what is on disk then, and that nothing outlives it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import {
  endServers,
  type ServerProcess,
  type StartOptions,
  startServer,
} from "../helpers/serverProcess.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const clientId = "a-client";
const onPosix = unless(describe, onWindows, "Windows has no signals and no process groups");
const onLinux = unless(it, notOnLinux, "processes are looked for in /proc");

/** A server on which the run `r-1` has begun, and its model says nothing until the gate opens. */
async function startWithRunningTurn(options: StartOptions = {}) {
  const { server, provider } = await startLoopbackServer(options);
  await server.call("initialize", { clientId });
  const session = await openSession(server);
  const gate = new Gate(provider);
  provider.enqueue(reply().gate(gate.opened).text("all of it"));
  await session.send("hello", "r-1");
  await gate.reached();
  return { server, provider, session, gate };
}

/** The completions that a new server on the same data redelivers, in order. */
async function completionsOnDisk(dataDir: string) {
  const server = startServer({ dataDir });
  const { pendingCompletions } = await server.call("initialize", { clientId });
  const events = await server.until(() => {
    const found = server.events("runComplete");
    return found.length >= pendingCompletions ? found : undefined;
  });
  await server.close();
  return events;
}

describe("the end of stdin", () => {
  it("without a message ends the server with 0 and without a byte", async () => {
    const server = startServer();
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(server.bytesRead).toBe(0);
  });

  it("comes after the answers to everything that was sent before it", async () => {
    const server = startServer();
    server.send(server.request("ping", {}, 1), server.request("listWorkspaces", {}, 2));
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(server.frames).toMatchObject([{ id: 1 }, { id: 2 }]);
  });

  it("cancels the running turn and those that wait, with completions on disk", async () => {
    const { server, provider, session } = await startWithRunningTurn();
    await session.send("next", "r-2");
    expect(await server.close()).toEqual({ code: 0, signal: null });
    const found = await completionsOnDisk(server.dataDir);
    // The dropped one is ended at once, the running one when its turn has really ended.
    expect(found.map(({ runId, status, cause }) => [runId, status, cause])).toEqual([
      ["r-2", "cancelled", "disconnect"],
      ["r-1", "cancelled", "disconnect"],
    ]);
    expect(found.every(({ cancelled }) => cancelled)).toBe(true);
    await provider.close();
  });

  it("right behind a prompt still gives that prompt its completion", async () => {
    const server = startServer();
    await server.call("initialize", { clientId });
    const session = await openSession(server);
    server.send(session.prompt("@wait 60000", "r-1"));
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([
      { runId: "r-1", status: "cancelled", cause: "disconnect" },
    ]);
  });

  it("with --linger lets the running turn finish", async () => {
    const { server, provider, gate } = await startWithRunningTurn({ args: ["--linger", "60"] });
    server.child.stdin.end();
    gate.open();
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([
      { runId: "r-1", status: "succeeded", text: "all of it" },
    ]);
    await provider.close();
  });

  it("with --linger cancels what takes longer than that", async () => {
    const { server, provider } = await startWithRunningTurn({ args: ["--linger", "1"] });
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([
      { runId: "r-1", status: "cancelled", cause: "disconnect" },
    ]);
    await provider.close();
  });
});

onPosix.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  it("cancels the running turn, tells its client, and ends with 0", async () => {
    const { server, provider } = await startWithRunningTurn();
    server.child.kill(signal);
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.events("runComplete")).toMatchObject([
      { runId: "r-1", status: "cancelled", cause: "shutdown" },
    ]);
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([{ runId: "r-1", attempt: 2 }]);
    await provider.close();
  });

  it("with --linger lets the turn finish and takes no new work meanwhile", async () => {
    const { server, provider, session, gate } = await startWithRunningTurn({
      args: ["--linger", "60"],
    });
    server.child.kill(signal);
    // The signal arrives in its own time: from then on every request is refused.
    await expect
      .poll(async () => (await server.ask("ping")).error?.data.name)
      .toBe("ServerShuttingDown");
    expect(await server.failure("sendMessage", session.params("more", "r-2"))).toBe(
      "ServerShuttingDown",
    );
    gate.open();
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(server.events("runComplete")).toMatchObject([{ runId: "r-1", status: "succeeded" }]);
    await provider.close();
  });
});

onPosix("a client that goes away otherwise", () => {
  it("by closing stdout is treated as one that is gone", async () => {
    const { server, provider, gate } = await startWithRunningTurn();
    server.child.stdout.destroy();
    gate.open();
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([{ runId: "r-1" }]);
    await provider.close();
  });

  it("by closing stdout while a turn streams has it cancelled", async () => {
    const { server, provider, gate } = await startWithRunningTurn();
    await gate.reached();
    provider.enqueue(reply().text("a").silence());
    const second = await (await openSession(server)).another();
    server.child.stdout.destroy();
    server.send(second.prompt("go on for ever", "r-2"));
    expect(await server.exit).toEqual({ code: 0, signal: null });
    const found = await completionsOnDisk(server.dataDir);
    expect(found.map(({ runId, status, cause }) => [runId, status, cause]).sort()).toEqual([
      ["r-1", "cancelled", "disconnect"],
      ["r-2", "cancelled", "disconnect"],
    ]);
    await provider.close();
  });

  it("by dying, where `processId` named it, ends the server", async () => {
    const parent = spawn("sleep", ["600"], { stdio: "ignore" });
    const server = startServer();
    await server.call("initialize", { processId: parent.pid ?? 0 });
    await server.settle();
    parent.kill("SIGKILL");
    expect(await server.exit).toEqual({ code: 0, signal: null });
  });

  onLinux(
    "counts as dead when it is a zombie, which nobody has waited for yet (Linux: /proc)",
    async () => {
      // The shell starts a child and then becomes a program that never waits for it.
      const parent = spawn("sh", ["-c", "sleep 600 & echo $!; exec sleep 600"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      onTestFinished(() => void parent.kill("SIGKILL"));
      const [line] = await once(parent.stdout, "data");
      const child = Number(String(line));
      const server = startServer();
      await server.call("initialize", { processId: child });
      await server.settle();
      process.kill(child, "SIGKILL");
      expect(await server.exit).toEqual({ code: 0, signal: null });
      expect(readFileSync(`/proc/${child}/stat`, "utf8")).toContain(") Z ");
    },
  );

  it("is not watched where it cannot be seen, as from a container", async () => {
    const elsewhere = spawn("true", { stdio: "ignore" });
    await once(elsewhere, "exit");
    const server = startServer();
    await server.call("initialize", { processId: elsewhere.pid ?? 0 });
    const session = await openSession(server);
    expect(await session.run("@wait 2500\n@say still here", "r-1")).toMatchObject({
      text: "still here",
    });
    expect(server.stderr).toContain("cannot be seen from here");
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });

  it("stays served where `processId` is null", async () => {
    const server = startServer();
    await server.call("initialize", { processId: null });
    await server.settle();
  });
});

onPosix("no child process outlives the server", () => {
  /** A command that runs and, beside it, one in the background and one in a session of its own. */
  async function startSleeping(): Promise<{ server: ServerProcess; mark: string }> {
    const server = startServer();
    await server.call("initialize", { clientId });
    const session = await openSession(server);
    const mark = uniqueSeconds();
    const command = `sleep ${mark} & setsid sleep ${mark} & echo begun; sleep ${mark}`;
    await session.send(`@tool bash ${JSON.stringify({ command })}`, "r-1");
    await server.event("messageDelta", { kind: "toolOutput" });
    await expect.poll(() => processesWith(`sleep ${mark}`).length).toBeGreaterThanOrEqual(3);
    return { server, mark };
  }

  it("after the end of stdin", async () => {
    const { server, mark } = await startSleeping();
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(processesWith(mark)).toEqual([]);
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([{ status: "cancelled" }]);
  });

  it("after SIGTERM", async () => {
    const { server, mark } = await startSleeping();
    server.child.kill("SIGTERM");
    expect(await server.exit).toEqual({ code: 0, signal: null });
    expect(processesWith(mark)).toEqual([]);
  });

  it("after SIGKILL, and the run is told as interrupted by the next server", async () => {
    const { server, mark } = await startSleeping();
    server.child.kill("SIGKILL");
    expect(await server.exit).toEqual({ code: null, signal: "SIGKILL" });
    await expect.poll(() => processesWith(mark)).toEqual([]);
    expect(await completionsOnDisk(server.dataDir)).toMatchObject([
      { runId: "r-1", status: "interrupted", cancelled: false, cause: "crash", attempt: 1 },
    ]);
  });

  it("nor a turn that is cancelled", async () => {
    const { server, mark } = await startSleeping();
    const { workspaces } = await server.call("listWorkspaces", {});
    const workspaceId = workspaces[0]?.id ?? "";
    await server.call("cancelRun", { workspaceId, runId: "r-1" });
    await server.completion("r-1");
    expect(processesWith(mark)).toEqual([]);
  });
});

describe("a client that does not read", () => {
  it("stderr blocks nothing, however much is logged", async () => {
    const server = startServer({ stderr: "unread", args: ["--log-level", "trace"] });
    const note = JSON.stringify({ jsonrpc: "2.0", method: "nobodyKnowsThis", params: {} });
    server.send(...Array.from({ length: 8_000 }, () => note));
    await server.settle();
    const session = await openSession(server);
    expect(await session.run("@say still here", "r-1")).toMatchObject({ text: "still here" });
    expect(await server.close()).toEqual({ code: 0, signal: null });
  });

  it("stdout for a while delays the delivery and not the run", async () => {
    const { server, session } = await startUnread("@chunks 90000 100");
    const other = startServer({ dataDir: server.dataDir });
    const { id: workspaceId } = await other.call("createWorkspace", { path: session.path });
    const completion = await other.call("waitRun", { workspaceId, runId: "r-1" });
    expect(completion).toMatchObject({ status: "succeeded", attempt: 0, textTruncated: true });
    expect(server.events("runComplete")).toEqual([]);
    server.child.stdout.resume();
    expect(await server.completion("r-1")).toMatchObject({ status: "succeeded", attempt: 1 });
    const dropped = server.events("eventsDropped").reduce((sum, { count }) => sum + count, 0);
    expect(dropped).toBeGreaterThan(0);
    const messages = await session.messages();
    expect(messages.at(-1)?.parts[0]).toMatchObject({ type: "text" });
    expect(messages.at(-1)?.parts[0]).toHaveProperty("text.length", 90_000 * 100);
    await server.settle();
  });

  it("stdout at all does not keep the server from ending", async () => {
    const { server } = await startUnread("@chunks 2000 1000\n@wait 60000");
    server.child.stdin.end();
    const gone = new Promise((resolve) => server.child.once("exit", resolve));
    expect(await gone).toBe(0);
    server.child.stdout.resume();
    const [completion] = await completionsOnDisk(server.dataDir);
    expect(completion).toMatchObject({ runId: "r-1", cause: "disconnect" });
    // What was left in the pipe may end inside a frame: nobody was there to take the rest.
    server.violations.length = 0;
  });

  /** A server that streams into a pipe which nobody reads. */
  async function startUnread(
    prompt: string,
  ): Promise<{ server: ServerProcess; session: WireSession }> {
    const server = startServer();
    await server.call("initialize", { clientId });
    const session = await openSession(server);
    await session.send(prompt, "r-1");
    await server.event("messageDelta");
    server.child.stdout.pause();
    return { server, session };
  }
});
