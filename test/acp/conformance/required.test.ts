// What every agent must do (the requirements of the official kit that are mandatory), by their ids.
import { afterAll, describe, expect, it } from "vitest";
import { onThisMachine } from "../../helpers/longestHold.js";
import { Editor, endEditors, makeFolder } from "../editor.js";

afterAll(endEditors);

/** Sends lines as they are, and gives the messages that come back within a while. */
async function raw(lines: string[], count: number) {
  const editor = new Editor();
  for (const line of lines) editor.child.stdin.write(`${line}\n`);
  await editor.until(() => (editor.frames.length >= count ? true : undefined));
  return editor.frames.slice(0, count);
}

const initialize = (version: unknown, id: number | string = 1) =>
  JSON.stringify({
    jsonrpc: "2.0",
    id,
    method: "initialize",
    params: { protocolVersion: version, clientCapabilities: {} },
  });

describe("mandatory", () => {
  it("TRANSPORT-001, -002: every line of stdout is JSON-RPC in UTF-8", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.prompt(sessionId, "@say Grüße, 世界 🌍");
    expect(editor.said(sessionId)).toBe("Grüße, 世界 🌍");
    expect(editor.violations).toEqual([]);
  });

  it("JSONRPC-001, -002: an answer has the id of its request, a number or a text", async () => {
    const frames = await raw([initialize(1, 7)], 1);
    expect(frames[0]).toMatchObject({ id: 7, result: { protocolVersion: 1 } });
    const named = await raw([initialize(1, "a")], 1);
    expect(named[0]).toMatchObject({ id: "a" });
  });

  it("JSONRPC-003: what is no JSON is answered with -32700, and the rest goes on", async () => {
    const frames = await raw(["{nonsense", "[]", "7", initialize(1)], 4);
    expect(frames.map(({ error }) => error?.code)).toEqual([-32700, -32600, -32600, undefined]);
    expect(frames[3]).toMatchObject({ id: 1, result: { protocolVersion: 1 } });
  });

  it.each([1, 2, 99, 65535, 0])(
    "INIT-001, -003: version %i is answered with 1",
    async (version) => {
      const [frame] = await raw([initialize(version)], 1);
      expect(frame).toMatchObject({ result: { protocolVersion: 1 } });
    },
  );

  it("INIT-003: what is no version at all is answered with 1 too, and the session begins", async () => {
    const versions = ["1", undefined, null, -1, 1.5, 65_536];
    const params = { cwd: makeFolder(), mcpServers: [] };
    const create = JSON.stringify({ jsonrpc: "2.0", id: "new", method: "session/new", params });
    const frames = await raw([...versions.map(initialize), create], versions.length + 1);
    const answered = versions.map((_, id) => ({ id, result: { protocolVersion: 1 } }));
    expect(frames).toMatchObject([
      ...answered,
      { id: "new", result: { sessionId: expect.any(String) } },
    ]);
  });

  it("INIT-002, -004: the answer says what the agent can and who it is", async () => {
    const editor = new Editor();
    expect(await editor.greet()).toMatchObject({
      agentInfo: { name: "turnwire", version: expect.any(String) },
      agentCapabilities: { loadSession: true, promptCapabilities: { image: true } },
    });
  });

  it("AUTH-002: nothing that the client has not said it can do is asked of it to log in", async () => {
    const editor = new Editor();
    expect((await editor.greet()).authMethods).toEqual([]);
    expect(await editor.agent.request("authenticate", { methodId: "any" })).toEqual({});
  });

  it("SESSION-001, -002: sessions are made before and after others, each with an id of its own", async () => {
    const editor = new Editor();
    const first = await editor.open();
    const second = await editor.agent.request("session/new", {
      cwd: makeFolder(),
      mcpServers: [],
    });
    expect(second.sessionId).not.toBe(first.sessionId);
    const relative = editor.agent.request("session/new", { cwd: "here", mcpServers: [] });
    await expect(relative).rejects.toMatchObject({ code: -32602 });
    const missing = editor.agent.request("session/new", { cwd: "/no/such", mcpServers: [] });
    await expect(missing).rejects.toMatchObject({ code: -32602 });
  });

  it("PROMPT-001, -002: a prompt is answered, after updates of its own session alone", async () => {
    const editor = new Editor();
    const first = await editor.open();
    const second = await editor.agent.request("session/new", {
      cwd: first.cwd,
      mcpServers: [],
    });
    expect(await editor.prompt(first.sessionId, "@say one")).toMatchObject({
      stopReason: "end_turn",
    });
    expect(editor.said(first.sessionId)).toBe("one");
    expect(editor.said(second.sessionId)).toBe("");
  });

  it("CANCEL-001, -002: a cancelled prompt is answered so, and nothing follows", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const prompt = editor.prompt(sessionId, "@say begun\n@wait 60000");
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    await editor.agent.notify("session/cancel", { sessionId });
    expect(await prompt).toMatchObject({ stopReason: "cancelled" });
    const count = editor.frames.length;
    // A request and its answer: whatever was on its way before has come.
    await editor.agent.request("session/list", {});
    expect(editor.frames.slice(count).filter(({ method }) => method !== undefined)).toEqual([]);
  });

  it("CONFIG-003: no option is a boolean, unless the client takes them", async () => {
    const { configOptions } = await new Editor().open();
    expect(configOptions?.map(({ id, type }) => [id, type])).toEqual([
      ["mode", "select"],
      ["model", "select"],
      ["thought_level", "select"],
    ]);
  });

  it("CLIENTCAP-001 to -003: files, terminals and forms are never asked of a client that has none", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const script = [
      '@tool write {"path":"a.txt","content":"a"}',
      '@tool read {"path":"a.txt"}',
      '@tool bash {"command":"true"}',
      "@say done",
    ];
    await editor.prompt(sessionId, script.join("\n"));
    const methods = new Set(editor.frames.flatMap(({ method }) => method ?? []));
    expect([...methods].sort()).toEqual(["session/request_permission", "session/update"]);
  });

  it("EXT-001: a method that nobody knows is answered", async () => {
    const editor = new Editor();
    await editor.greet();
    await expect(editor.agent.request("_any/thing", {})).rejects.toMatchObject({ code: -32601 });
  });
});

describe("advisory", () => {
  it("JSONRPC-004, -005: an unknown method is -32601, and the connection goes on", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await expect(editor.agent.request("no/such", {})).rejects.toMatchObject({ code: -32601 });
    const wrong = editor.agent.request("session/prompt", { sessionId, prompt: 7 } as never);
    await expect(wrong).rejects.toMatchObject({ code: -32602 });
    expect(await editor.prompt(sessionId, "@say on")).toMatchObject({ stopReason: "end_turn" });
  });

  it("PROMPT-003: a link and an embedded file reach the model", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.agent.request("session/prompt", {
      sessionId,
      prompt: [
        { type: "text", text: "Look:" },
        { type: "resource_link", name: "a.ts", uri: "file:///w/a.ts" },
        { type: "resource", resource: { uri: "file:///w/b.ts", text: "let b" } },
      ],
    });
    expect(editor.said(sessionId)).toContain("[a.ts](file:///w/a.ts)");
    expect(editor.said(sessionId)).toContain('<resource uri="file:///w/b.ts">\nlet b');
  });

  it("META-001, ERROR-001: what is our own stands in `_meta`, and an error is one line", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const { _meta } = await editor.prompt(sessionId, "@say x");
    expect(_meta).toEqual({
      "turnwire.dev": { runId: expect.any(String), completionId: expect.any(String) },
    });
    const failing = await editor.prompt(sessionId, "@fail 401").catch((error) => error);
    expect(failing).toMatchObject({ code: -32603, data: { details: expect.any(String) } });
    expect(Object.keys(failing.data)).toEqual(["details"]);
    expect(failing.message).toMatch(/^.+$/);
  });

  it("SHUTDOWN-001: the agent ends within 2 seconds of the end of its input, in mid-turn too", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    void editor.prompt(sessionId, "@say begun\n@wait 60000").catch(() => {});
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    const begun = performance.now();
    expect(await editor.end()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(onThisMachine(2000));
  });
});
