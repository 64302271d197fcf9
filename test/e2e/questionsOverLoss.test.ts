// protocol.md section 4, Going on after a loss: questions that are open when a server is lost or ends.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(() => endServers());

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const bash = tool("bash", { command: "echo hi >> a.txt", description: "x" });
const options = { onServerLoss: "continue" } as const;

/** The first question that comes to a client which it does not answer; it allows this command. */
function questionTo(client: ServerProcess, allowed: string): Promise<PermissionQuestion> {
  return new Promise((resolve) => {
    client.onPermission = (question) => {
      const { command } = question.input as { command?: string };
      if (command === allowed) return { result: { decision: "allow" } };
      resolve(question);
      return new Promise(() => {});
    };
  });
}

/** What a client was asked beside a question that may have been put to it before it was answered. */
function otherQuestions(client: ServerProcess, { permissionId }: PermissionQuestion): unknown[] {
  return client.frames.filter(
    ({ method, params }) =>
      method === "requestPermission" &&
      (params as PermissionQuestion).permissionId !== permissionId,
  );
}

/** A run whose server is gone while it waited for an answer. */
async function left(prompt = bash, permissionSeconds = 3600, path = makeFolder(), end = kill) {
  const server = startServer();
  await server.call("initialize", { clientId: "ada", permissionSeconds });
  const session = await openSession(server, { path, permissionMode: "ask" });
  const asked = questionTo(server, "cd inside");
  await server.call("sendMessage", { ...session.ids, runId: "r", prompt, options });
  const question = await asked;
  await end(server);
  const { dataDir } = server;
  const next = async (clientId = "ada") => {
    const other = startServer({ dataDir });
    await other.call("initialize", { clientId, permissionSeconds });
    return other;
  };
  const open = (other: ServerProcess) =>
    other.call("createWorkspace", { path, permissionMode: "ask", initAgent: true });
  const answer = (decision: "allow" | "deny") => ({
    permissionId: question.permissionId,
    decision,
  });
  const effects = () =>
    existsSync(join(path, "a.txt")) ? readFileSync(join(path, "a.txt"), "utf8") : "";
  return { session, question, next, open, answer, effects, path };
}

async function kill(server: ServerProcess): Promise<void> {
  server.child.kill("SIGKILL");
  await server.exit;
}

async function shutDown(server: ServerProcess): Promise<void> {
  expect(await server.call("shutdown", {})).toEqual({ parked: ["r"] });
  // Nobody has decided it.
  expect(server.events("permissionResolved")).toEqual([]);
  server.notify("exit");
  await server.exit;
}

describe.concurrent("a question whose server is gone", () => {
  it.each([
    ["lost", kill],
    ["ended in order", shutDown],
  ])("because it was %s is asked again by the next one, with its id", async (_, end) => {
    const { question, next, open, effects } = await left(bash, 3600, makeFolder(), end);
    const server = await next();
    const asked: PermissionQuestion[] = [];
    server.onPermission = (one) => {
      asked.push(one);
      return { result: { decision: "allow" } };
    };
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded", continuations: 1 });
    expect(asked).toEqual([question]);
    expect(effects()).toBe("hi\n");
    expect(await server.call("listPermissions", {})).toEqual({ permissions: [] });
  });

  it("can be listed and answered while nobody has its run, once, and only by its client", async () => {
    const { question, next, open, answer, effects } = await left();
    const stranger = await next("ben");
    expect(await stranger.call("listPermissions", {})).toEqual({ permissions: [] });
    expect(await stranger.failure("answerPermission", answer("allow"))).toBe("PermissionNotFound");
    const server = await next();
    const { permissions } = (await server.call("listPermissions", {})) as {
      permissions: PermissionQuestion[];
    };
    expect(permissions).toMatchObject([question]);
    expect(await server.call("answerPermission", answer("allow"))).toEqual({});
    expect(await server.failure("answerPermission", answer("deny"))).toBe("PermissionNotFound");
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
    expect(otherQuestions(server, question)).toEqual([]);
    expect(effects()).toBe("hi\n");
  });

  it("is put to its client in a server that has not the run, and its time stands still", async () => {
    const { question, next, open, effects } = await left();
    const server = await next();
    const asked = new Promise<PermissionQuestion>((resolve) => {
      server.onPermission = (one) => {
        resolve(one);
        return { result: { decision: "allow" } };
      };
    });
    const { permissions } = (await server.call("listPermissions", {})) as {
      permissions: { expiresAt?: string }[];
    };
    expect(permissions).toMatchObject([question]);
    expect(permissions[0]?.expiresAt).toBeUndefined();
    expect(await asked).toEqual(question);
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
    expect(effects()).toBe("hi\n");
  });

  it("is denied when its time is over, though no server lived then", async () => {
    const { question, next, open, answer, effects } = await left(bash, 4);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    const server = await next();
    expect(await server.call("listPermissions", {})).toEqual({ permissions: [] });
    expect(await server.failure("answerPermission", answer("allow"))).toBe("PermissionNotFound");
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded", denials: 1 });
    expect(otherQuestions(server, question)).toEqual([]);
    expect(effects()).toBe("");
  });

  const edit = tool("edit", { path: "a.txt", edits: [{ oldText: "one", newText: "two" }] });
  const readAndEdit = `${tool("read", { path: "a.txt" })}\n${edit}`;

  it("about a file stands while the file is as the lost server has read it", async () => {
    const path = makeFolder();
    writeFileSync(join(path, "a.txt"), "one\n");
    const { question, next, open, answer, effects } = await left(readAndEdit, 3600, path);
    const server = await next();
    expect(await server.call("answerPermission", answer("allow"))).toEqual({});
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
    expect(otherQuestions(server, question)).toEqual([]);
    expect(effects()).toBe("two\n");
  });

  it("about a file is not asked again where the file has changed since it was read", async () => {
    const path = makeFolder();
    writeFileSync(join(path, "a.txt"), "one\n");
    const { question, next, open, answer, effects } = await left(readAndEdit, 3600, path);
    writeFileSync(join(path, "a.txt"), "one, and more\n");
    const server = await next();
    expect(await server.call("answerPermission", answer("allow"))).toEqual({});
    server.onPermission = () => ({ result: { decision: "allow" } });
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
    expect(otherQuestions(server, question)).toEqual([]);
    expect(effects()).toBe("one, and more\n");
    expect(await server.failure("answerPermission", answer("allow"))).toBe("PermissionNotFound");
  });

  it("about a command is answered for the folder in which the lost server would have run it", async () => {
    const path = makeFolder();
    mkdirSync(join(path, "inside"));
    const script = `${tool("bash", { command: "cd inside" })}\n${tool("bash", { command: "echo hi > a.txt" })}`;
    const { question, next, open, effects } = await left(script, 3600, path);
    expect(question).toMatchObject({ cwd: join(realpathSync(path), "inside") });
    const server = await next();
    const asked: PermissionQuestion[] = [];
    server.onPermission = (one) => {
      asked.push(one);
      return { result: { decision: "allow" } };
    };
    await open(server);
    expect(await server.completion("r")).toMatchObject({ status: "succeeded" });
    expect(asked).toEqual([question]);
    expect(effects()).toBe("");
    expect(readFileSync(join(path, "inside", "a.txt"), "utf8")).toBe("hi\n");
  });

  it("is gone with its run: cancelled while it waited", async () => {
    const { session, next, answer, open, effects } = await left();
    const server = await next();
    server.onPermission = () => new Promise(() => {});
    await open(server);
    await server.call("cancelRun", { workspaceId: session.ids.workspaceId, runId: "r" });
    expect(await server.completion("r")).toMatchObject({ status: "cancelled" });
    expect(await server.failure("answerPermission", answer("allow"))).toBe("PermissionNotFound");
    expect(await server.call("listPermissions", {})).toEqual({ permissions: [] });
    expect(effects()).toBe("");
  });
});
