// protocol.md section 2, The daemon: many clients at once, none of whom gets what is another's.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaemonChild, endDaemons, startDaemon } from "../helpers/daemonChild.js";
import { endServers, makeFolder, type ServerProcess } from "../helpers/serverProcess.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

let daemon: DaemonChild;
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(async () => {
  await endDaemons();
  await endServers();
});

/** A client that has said who it is. */
async function clientOf(clientId: string, more: object = {}): Promise<ServerProcess> {
  const client = daemon.client();
  await client.call("initialize", { clientId, ...more });
  return client;
}

/** What an event or a question tells of a run. */
function hears(client: ServerProcess, runId: string): string[] {
  return client.frames.flatMap(({ method, params }) =>
    (params as { runId?: string } | undefined)?.runId === runId && method ? [method] : [],
  );
}

const bash = (command: string) => `@tool bash ${JSON.stringify({ command, description: "x" })}`;

describe("a run", () => {
  it("goes on when its client has left, and its completion waits for that client alone", async () => {
    const first = await clientOf("ada");
    const session = await openSession(first);
    await session.send("@wait 400\n@say Still there.", "left");
    await first.close();
    const stranger = await clientOf("ben");
    const again = await clientOf("ada");
    expect(await again.completion("left")).toMatchObject({
      text: "Still there.",
      status: "succeeded",
    });
    await stranger.settle();
    expect(hears(stranger, "left")).toEqual([]);
  });

  it.each([
    ["exit", (client: ServerProcess) => client.notify("exit")],
    [
      "shutdown and exit",
      async (client: ServerProcess) => {
        await client.call("shutdown", {});
        expect(await client.failure("ping")).toBe("ServerShuttingDown");
        client.notify("exit");
      },
    ],
    ["a kill", (client: ServerProcess) => void client.child.kill("SIGKILL")],
  ])("outlives %s of its client", async (_, leave) => {
    const id = `leaves by ${_}`;
    const first = await clientOf(id);
    await (await openSession(first)).send("@wait 300\n@say Done.", `run of ${id}`);
    await leave(first);
    await first.exit;
    expect((await (await clientOf(id)).completion(`run of ${id}`)).status).toBe("succeeded");
  });

  it("outlives the death of the process that its client named", async () => {
    const watched = daemon.client();
    const first = await clientOf("watched", { processId: watched.pid });
    await (await openSession(first)).send("@wait 1500\n@say Done.", "watched");
    await watched.kill();
    // The connection is closed, and that is no exit that the client asked for.
    expect((await first.exit).code).toBe(1);
    expect((await (await clientOf("watched")).completion("watched")).status).toBe("succeeded");
  });
});

describe("two clients in one folder", () => {
  it("have modes, environments and models of their own, and hear what they hold", async () => {
    const path = makeFolder();
    const [ada, ben] = [await clientOf("own-a"), await clientOf("own-b")];
    const a = await openSession(ada, { path, permissionMode: "allow", env: { WHO: "ada" } });
    const b = await openSession(ben, { path, permissionMode: "deny", env: { WHO: "ben" } });
    expect(a.workspaceId).toBe(b.workspaceId);
    const { workspaceId } = a;
    expect((await ada.call("getWorkspace", { workspaceId })).permissionMode).toBe("allow");
    expect((await ben.call("getWorkspace", { workspaceId })).permissionMode).toBe("deny");
    await a.run(bash("echo $WHO > who.txt"), "a-1");
    expect(readFileSync(join(path, "who.txt"), "utf8")).toBe("ada\n");
    expect((await b.run(bash("echo $WHO > who.txt"), "b-1")).denials).toBe(1);
    await ben.call("setPermissionMode", { workspaceId, mode: "allow" });
    await b.run(bash("echo $WHO > who.txt"), "b-2");
    expect(readFileSync(join(path, "who.txt"), "utf8")).toBe("ben\n");
    // Also a session of the one that the other goes on with is run as the other has set it.
    const shared = new WireSession(ben, workspaceId, a.sessionId, path);
    await shared.run(bash("echo $WHO >> who.txt"), "b-3");
    expect(readFileSync(join(path, "who.txt"), "utf8")).toBe("ben\nben\n");
    expect(hears(ada, "b-1")).toContain("agentFinished");
    expect(hears(ada, "b-1")).not.toContain("runComplete");
  });

  it("are asked about their own runs alone, on each of their connections", async () => {
    const path = makeFolder();
    const [ada, same, ben] = [await clientOf("q-a"), await clientOf("q-a"), await clientOf("q-b")];
    const session = await openSession(ada, { path, permissionMode: "ask" });
    await openSession(same, { path, permissionMode: "ask" });
    await openSession(ben, { path, permissionMode: "ask" });
    ada.onPermission = () => new Promise(() => {});
    same.onPermission = () => ({ result: { decision: "allow" } });
    ben.onPermission = () => ({ result: { decision: "deny" } });
    expect((await session.run(bash("echo hi > asked.txt"), "q-1")).denials).toBeUndefined();
    expect(readFileSync(join(path, "asked.txt"), "utf8")).toBe("hi\n");
    await ada.until(() => ada.frames.find(({ method }) => method === "$/cancelRequest"));
    await ben.settle();
    expect(hears(ben, "q-1")).not.toContain("requestPermission");
    // Nobody of the client is there: denied, although a stranger could answer.
    await session.send(`@wait 2000\n${bash("echo no > never.txt")}`, "q-2");
    await Promise.all([ada.close(), same.close()]);
    expect((await (await clientOf("q-a")).completion("q-2")).denials).toBe(1);
    expect(hears(ben, "q-2")).not.toContain("requestPermission");
  });

  it("make it trusted only if both say so", async () => {
    const path = makeFolder();
    const [ada, ben] = [await clientOf("t-a"), await clientOf("t-b")];
    const { workspaceId } = await openSession(ada, { path, trusted: true });
    expect((await ada.call("getWorkspace", { workspaceId })).trusted).toBe(true);
    await openSession(ben, { path });
    expect((await ada.call("getWorkspace", { workspaceId })).trusted).toBe(false);
    expect(await ben.call("deleteWorkspace", { workspaceId })).toEqual({ closed: false });
    expect((await ada.call("getWorkspace", { workspaceId })).trusted).toBe(true);
  });

  it("get tools of their own clients only", async () => {
    const [ada, ben] = [await clientOf("tools-a"), await clientOf("tools-b")];
    const path = makeFolder();
    const a = await openSession(ada, { path });
    const b = await openSession(ben, { path });
    const tool = { name: "mine", description: "Mine.", inputSchema: { type: "object" } };
    await ada.call("setTools", { tools: [tool] });
    const names = async ({ server, workspaceId }: WireSession) =>
      (await server.call("listTools", { workspaceId })).tools.map(({ name }) => name);
    expect(await names(a)).toContain("mine");
    expect(await names(b)).not.toContain("mine");
  });
});

describe("a workspace", () => {
  it("closes when nobody holds it and no run is open, or for all with force", async () => {
    const path = makeFolder();
    const [ada, ben] = [await clientOf("h-a"), await clientOf("h-b")];
    const session = await openSession(ada, { path });
    const { workspaceId } = session;
    await ben.call("createWorkspace", { path });
    await session.send("@wait 500\n@say Held.", "held");
    expect(await ada.call("deleteWorkspace", { workspaceId })).toEqual({ closed: false });
    await ben.close();
    // Its run keeps it open; then it closes by itself.
    expect(await ada.completion("held")).toMatchObject({ text: "Held." });
    while ((await ada.ask("getWorkspace", { workspaceId })).error === undefined) await ada.settle();
    expect(await ada.failure("getWorkspace", { workspaceId })).toBe("WorkspaceNotFound");
    const again = await openSession(ada, { path });
    await again.send("@wait 60000", "forced");
    const other = await clientOf("h-c");
    await openSession(other, { path });
    expect(await other.call("deleteWorkspace", { workspaceId, force: true })).toEqual({
      closed: true,
    });
    expect(await ada.completion("forced")).toMatchObject({ status: "cancelled", cause: "deleted" });
    await ada.event("workspaceClosed", { workspaceId });
  });

  it("is told by an absolute path", async () => {
    const ada = await clientOf("relative");
    const { data, message } = await ada.fail("createWorkspace", { path: "project" });
    expect(data.name).toBe("PathNotFound");
    expect(message).toContain("absolute");
  });
});

describe("subscribe", () => {
  it("tells what was said so far, and goes on without a gap, for who does not hold it", async () => {
    const [ada, watcher] = [await clientOf("s-a"), await clientOf("s-w")];
    const session = await openSession(ada);
    const { ids } = session;
    await session.send("@chunks 30\n@wait 3000\n@chunks 30", "watched");
    await ada.event("messageDelta", { sessionId: ids.sessionId });
    const { messages, live } = await watcher.call("subscribe", ids);
    expect(live).toBe(true);
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
    await watcher.event("agentFinished", { runId: "watched" });
    const texts = messages.at(-1)?.parts.map((part) => ("text" in part ? part.text : "")) ?? [];
    for (const { partIndex, offset, delta } of watcher.events("messageDelta", ids)) {
      expect(offset).toBe((texts[partIndex] ?? "").length);
      texts[partIndex] = `${texts[partIndex] ?? ""}${delta}`;
    }
    expect(texts.join("")).toContain((await ada.completion("watched")).text);
    // Of another session of the workspace it hears nothing.
    const other = await session.another();
    await other.run("@say Elsewhere.", "elsewhere");
    await watcher.settle();
    expect(hears(watcher, "elsewhere")).toEqual([]);
    const after = await watcher.call("subscribe", other.ids);
    expect(after).toMatchObject({ messages: [], live: true });
  });
});

describe("a client that does not read", () => {
  it("holds up nobody, and gets its completion when it comes again", async () => {
    const socket = await daemon.connect();
    const path = makeFolder();
    const send = (id: number, method: string, params: object) =>
      socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    let heard = "";
    const answer = async (id: number): Promise<Record<string, unknown>> => {
      for (;;) {
        const line = heard.split("\n").find((one) => one.includes(`"id":${id},`));
        if (line !== undefined && heard.endsWith("\n")) return JSON.parse(line).result;
        heard += String((await once(socket, "data"))[0]);
      }
    };
    send(1, "initialize", { clientId: "deaf" });
    send(2, "createWorkspace", { path, permissionMode: "allow", initAgent: true });
    const { id: workspaceId } = await answer(2);
    send(3, "createSession", { workspaceId, title: "deaf" });
    const { id: sessionId } = await answer(3);
    socket.pause();
    send(4, "sendMessage", { workspaceId, sessionId, runId: "deaf", prompt: "@chunks 200000" });
    const ada = await clientOf("hears");
    const session = await openSession(ada);
    expect((await session.run("@say At once.", "hears")).text).toBe("At once.");
    socket.destroy();
    expect((await (await clientOf("deaf")).completion("deaf")).status).toBe("succeeded");
  });
});
