import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { PermissionAnswer } from "../../src/protocol/index.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const tool = (name: string, input: object) => `@tool ${name} ${JSON.stringify(input)}`;
const touch = (name: string) => tool("bash", { command: `: > ${name}` });
const ran = (session: WireSession, name: string) => existsSync(join(session.path, name));

/** A session whose questions get these answers, one after the other; then `deny`. */
async function openAnswering(...answers: readonly PermissionAnswer[]): Promise<WireSession> {
  const session = await openSession(startServer(), { permissionMode: "ask" });
  const left = [...answers];
  session.server.onPermission = () => ({ result: left.shift() ?? { decision: "deny" } });
  return session;
}

const questions = ({ server }: WireSession) =>
  server.frames.filter(({ method }) => method === "requestPermission").map(({ params }) => params);

async function partsOf(session: WireSession, type: "toolCall" | "toolResult") {
  const messages = await session.messages();
  return messages.flatMap(({ parts }) => parts.filter((part) => part.type === type));
}

describe("an answer with another input", () => {
  it("runs that instead, and the stored call and its result tell so", async () => {
    const session = await openAnswering({ decision: "allow", input: { command: ": > b" } });
    expect(await session.run(touch("a"), "r-1")).toMatchObject({ status: "succeeded" });
    expect([ran(session, "a"), ran(session, "b")]).toEqual([false, true]);
    expect(questions(session)).toHaveLength(1);
    expect(await partsOf(session, "toolCall")).toMatchObject([
      { input: { command: ": > b" }, state: "completed" },
    ]);
    expect(await partsOf(session, "toolResult")).toMatchObject([
      { output: expect.stringContaining('[The user changed the input to: {"command":": > b"}]') },
    ]);
  });

  it("allows nothing later: neither what was asked about nor what ran", async () => {
    const session = await openAnswering({ decision: "allow", input: { command: ": > b" } });
    await session.run(`${touch("a")}\n${touch("b2")}\n${touch("b")}\n${touch("a")}`, "r-1");
    expect(questions(session)).toHaveLength(4);
    expect(ran(session, "a")).toBe(false);
  });

  it.each([
    ["allowForSession", { decision: "allowForSession", input: { command: ": > b" } }],
    ["allowAlways", { decision: "allowAlways", input: { command: ": > b" } }],
    ["a decision that there is not", { decision: "allowEverything", input: { command: ": > b" } }],
    ["a decision that there is not, alone", { decision: "allowEverything" }],
    ["deny", { decision: "deny", input: { command: ": > b" } }],
    ["allow, with a text", { decision: "allow", input: ": > b" }],
    ["allow, with null", { decision: "allow", input: null }],
    ["allow, with a list", { decision: "allow", input: [] }],
  ])("with `%s` is `deny`", async (_, answer) => {
    const session = await openAnswering(answer as unknown as PermissionAnswer);
    await session.run(touch("a"), "r-1");
    expect([ran(session, "a"), ran(session, "b")]).toEqual([false, false]);
    expect(session.server.events("permissionResolved")).toMatchObject([{ decision: "deny" }]);
  });

  it("has to fit the tool, else nothing runs", async () => {
    const session = await openAnswering({ decision: "allow", input: { commnd: "x" } });
    await session.run(`${touch("a")}\n@say after`, "r-1");
    expect(ran(session, "a")).toBe(false);
    expect(await partsOf(session, "toolCall")).toMatchObject([
      { input: { command: ": > a" }, state: "failed" },
    ]);
    expect(await partsOf(session, "toolResult")).toMatchObject([
      { output: expect.stringContaining("command: ") },
    ]);
  });

  it("passes the deny rules anew", async () => {
    const session = await openAnswering({ decision: "allow", input: { command: "touch b" } });
    const rules = { permissions: { deny: ["bash:touch *"] } };
    writeFileSync(join(session.path, "turnwire.json"), JSON.stringify(rules));
    expect(await session.run(touch("a"), "r-1")).toMatchObject({ denials: 1 });
    expect(ran(session, "b")).toBe(false);
    expect(await partsOf(session, "toolCall")).toMatchObject([{ state: "denied" }]);
  });

  it("changes what is written, and where", async () => {
    const session = await openAnswering({
      decision: "allow",
      input: { path: "b.txt", content: "mine\n" },
    });
    await session.run(tool("write", { path: "a.txt", content: "its\n" }), "r-1");
    expect(ran(session, "a.txt")).toBe(false);
    expect(readFileSync(join(session.path, "b.txt"), "utf8")).toBe("mine\n");
  });

  it("of a sub-task's call changes that call alone", async () => {
    const session = await openAnswering({ decision: "allow", input: { path: "a.txt" } });
    writeFileSync(join(session.path, "a.txt"), "needle\n");
    const task = { description: "look", prompt: tool("read", { path: "/etc/hostname" }) };
    expect(await session.run(tool("task", task), "r-1")).toMatchObject({ status: "succeeded" });
    expect(questions(session)).toHaveLength(1);
    expect(await partsOf(session, "toolCall")).toMatchObject([{ name: "task", input: task }]);
    const { server, workspaceId, sessionId: parent } = session;
    const { sessions } = await server.call("listSessions", { workspaceId });
    const child = sessions.find(({ parentSessionId }) => parentSessionId === parent);
    const { messages } = await server.call("listMessages", {
      workspaceId,
      sessionId: child?.id ?? "",
    });
    const parts = messages.flatMap((message) => message.parts);
    expect(parts).toContainEqual(
      expect.objectContaining({ type: "toolCall", input: { path: "a.txt" }, state: "completed" }),
    );
    expect(JSON.stringify(parts)).toContain("needle");
  });
});

describe("a question tells", () => {
  it("where a command, a write and an edit reach, and what can be chosen", async () => {
    const session = await openAnswering({ decision: "deny" }, { decision: "allow" });
    const lines = Array.from({ length: 40 }, (_, at) => `line ${at + 1}`);
    writeFileSync(join(session.path, "a.txt"), `${lines.join("\n")}\n`);
    const edits = ["line 5", "line 30"].map((line) => ({ oldText: `${line}\n`, newText: "x\n" }));
    const calls = [
      tool("bash", { command: "make" }),
      tool("write", { path: "new.txt", content: "x" }),
      tool("read", { path: "a.txt" }),
      tool("edit", { path: "a.txt", edits }),
      tool("read", { path: "/etc/hostname", offset: 3 }),
    ];
    await session.run(calls.join("\n"), "r-1");
    const path = join(session.path, "a.txt");
    expect(questions(session)).toMatchObject([
      {
        locations: [],
        readOnly: false,
        choices: ["allow", "allowForSession", "allowAlways", "deny"],
      },
      { locations: [{ path: join(session.path, "new.txt") }], readOnly: false },
      {
        locations: [
          { path, line: 5 },
          { path, line: 30 },
        ],
        readOnly: false,
      },
      { locations: [{ path: "/etc/hostname", line: 3 }], readOnly: true },
    ]);
  });
});
