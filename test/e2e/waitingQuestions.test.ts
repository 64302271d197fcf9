// protocol.md section 7, Questions that wait: with the built server, as a daemon and with `--linger`.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import { type DaemonChild, endDaemons, startDaemon } from "../helpers/daemonChild.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

let daemon: DaemonChild;
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(async () => {
  await endDaemons();
  await endServers();
});

const wait = { permissionSeconds: 3600 };
const silent = { capabilities: { requestPermission: false } };
const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const bash = (command: string) => tool("bash", { command, description: "x" });

async function clientOf(clientId: string, more: object = wait): Promise<ServerProcess> {
  const client = daemon.client();
  await client.call("initialize", { clientId, ...more });
  return client;
}

/** A run that waits for an answer, and whose client has gone. */
async function left(
  clientId: string,
  prompt: string,
  runId: string,
  more: object = wait,
  path = makeFolder(),
) {
  const client = await clientOf(clientId, more);
  const session = await openSession(client, { path, permissionMode: "ask" });
  const asked = questionTo(client);
  await session.send(prompt, runId);
  const question = await asked;
  await client.close();
  return { session, question };
}

/** The first question that comes to a client, which does not answer it. */
function questionTo(client: ServerProcess): Promise<PermissionQuestion> {
  return new Promise((resolve) => {
    client.onPermission = (question) => {
      resolve(question);
      return new Promise(() => {});
    };
  });
}

/** Another connection to the same session. */
async function back(client: ServerProcess, { path }: WireSession): Promise<void> {
  await client.call("createWorkspace", { path, permissionMode: "ask", initAgent: true });
}

describe("a question whose client has gone", () => {
  it("is put again to the client that comes back, and its answer counts", async () => {
    const { session, question } = await left("back", bash("echo hi > a.txt"), "back");
    const again = daemon.client();
    again.onPermission = () => ({ result: { decision: "allow" } });
    await again.call("initialize", { clientId: "back", ...wait });
    expect(await again.completion("back")).toMatchObject({ status: "succeeded" });
    expect(readFileSync(join(session.path, "a.txt"), "utf8")).toBe("hi\n");
    const asked = again.frames.find(({ method }) => method === "requestPermission");
    expect(asked?.params).toEqual(question);
  });

  it("is listed and answered by a window that is asked nothing, once", async () => {
    const { session, question } = await left("listed", bash("echo hi > a.txt"), "listed");
    const stranger = await clientOf("a stranger", silent);
    expect(await stranger.call("listPermissions", {})).toEqual({ permissions: [] });
    const { permissionId } = question;
    const answer = { permissionId, decision: "allow" as const };
    expect(await stranger.failure("answerPermission", answer)).toBe("PermissionNotFound");
    const again = await clientOf("listed", { ...silent, ...wait });
    const { permissions } = await again.call("listPermissions", session.ids);
    expect(permissions).toEqual([{ ...question, askedAt: expect.any(String) }]);
    expect(await again.call("listPermissions", { sessionId: "another" })).toEqual({
      permissions: [],
    });
    expect(await again.call("answerPermission", answer)).toEqual({});
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
    expect(await again.completion("listed")).toMatchObject({ status: "succeeded" });
    expect(existsSync(join(session.path, "a.txt"))).toBe(true);
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
  });

  it("is denied when its time is over, and an answer is too late", async () => {
    const short = { permissionSeconds: 1 };
    const [watcher, path] = [await clientOf("watcher", silent), makeFolder()];
    await watcher.call("createWorkspace", { path, permissionMode: "ask", initAgent: true });
    const { session, question } = await left("late", bash("echo hi > a.txt"), "late", short, path);
    await watcher.event("permissionResolved", { permissionId: question.permissionId });
    const again = await clientOf("late");
    expect((await again.completion("late")).denials).toBe(1);
    const answer = { permissionId: question.permissionId, decision: "allow" };
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
    expect(existsSync(join(session.path, "a.txt"))).toBe(false);
  });

  it("is asked no more where the file has changed, and nothing is overwritten", async () => {
    const path = makeFolder();
    const file = join(path, "a.txt");
    writeFileSync(file, "one\n");
    const client = await clientOf("moved");
    const session = await openSession(client, { path, permissionMode: "ask" });
    const edit = { path: "a.txt", edits: [{ oldText: "one", newText: "two" }] };
    const asked = questionTo(client);
    await session.send(`${tool("read", { path: "a.txt" })}\n${tool("edit", edit)}`, "moved");
    const { permissionId } = await asked;
    await client.close();
    writeFileSync(file, "one, and more of it\n");
    const again = daemon.client();
    again.onPermission = () => ({ result: { decision: "allow" } });
    await again.call("initialize", { clientId: "moved", ...wait });
    await again.completion("moved");
    expect(again.frames.filter(({ method }) => method === "requestPermission")).toEqual([]);
    expect(readFileSync(file, "utf8")).toBe("one, and more of it\n");
    const answer = { permissionId, decision: "allow" };
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
  });

  it("is asked no more where a rule decides meanwhile", async () => {
    const { session } = await left("ruled", bash("echo hi > a.txt"), "ruled");
    const rules = { permissions: { deny: ["bash:echo *"] } };
    writeFileSync(join(session.path, "turnwire.json"), JSON.stringify(rules));
    const again = daemon.client();
    again.onPermission = () => ({ result: { decision: "allow" } });
    await again.call("initialize", { clientId: "ruled", ...wait });
    expect((await again.completion("ruled")).denials).toBe(1);
    expect(again.frames.filter(({ method }) => method === "requestPermission")).toEqual([]);
  });

  it("is over with a cancel, and after a rewind", async () => {
    const { session, question } = await left("over", bash("echo hi > a.txt"), "over");
    const again = daemon.client();
    const askedAgain = questionTo(again);
    await again.call("initialize", { clientId: "over", ...wait });
    expect(await askedAgain).toEqual(question);
    await back(again, session);
    const answer = { permissionId: question.permissionId, decision: "allow" };
    const rewind = { ...session.ids, runId: "over" };
    expect(await again.failure("rewindSession", rewind)).toBe("SessionBusy");
    await again.call("cancelSession", session.ids);
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
    expect(await again.completion("over")).toMatchObject({ status: "cancelled" });
    await again.call("rewindSession", rewind);
    expect(await again.failure("answerPermission", answer)).toBe("PermissionNotFound");
    expect(await again.call("listPermissions", {})).toEqual({ permissions: [] });
    expect(existsSync(join(session.path, "a.txt"))).toBe(false);
  });

  it("waits not at all unless the client has said so", async () => {
    const { session } = await left("plain", bash("echo hi > a.txt"), "plain", {});
    const again = await clientOf("plain", {});
    expect((await again.completion("plain")).denials).toBe(1);
    expect(existsSync(join(session.path, "a.txt"))).toBe(false);
  });
});

describe("with --linger, a question of a server that its client has left", () => {
  it("is put by the server to which the client has come", async () => {
    const first = startServer({ args: ["--linger", "60"] });
    await first.call("initialize", { clientId: "ada", ...wait });
    const session = await openSession(first, { permissionMode: "ask" });
    const asked = questionTo(first);
    await session.send(bash("echo hi > a.txt"), "lingers");
    const question = await asked;
    first.child.stdin.end();
    const second = startServer({ dataDir: first.dataDir });
    second.onPermission = () => ({ result: { decision: "allow" } });
    await second.call("initialize", { clientId: "ada", ...wait });
    expect(await second.completion("lingers")).toMatchObject({ status: "succeeded" });
    expect(readFileSync(join(session.path, "a.txt"), "utf8")).toBe("hi\n");
    expect(second.frames.find(({ method }) => method === "requestPermission")?.params).toEqual(
      question,
    );
    expect(await second.call("listPermissions", {})).toEqual({ permissions: [] });
    expect((await first.exit).code).toBe(0);
  });
});

describe("permissionSeconds", () => {
  it.each([-1, 604_801, 1.5, "1"])("%s is refused", async (permissionSeconds) => {
    const client = daemon.client();
    expect(await client.failure("initialize", { permissionSeconds })).toBe("InvalidParams");
  });
});
