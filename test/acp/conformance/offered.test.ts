// What an agent must do that says it can (the requirements of the official kit for capabilities), by
// their ids.
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Editor, endEditors, makeFolder } from "../editor.js";

afterAll(endEditors);

const script = [
  '@tool write {"path":"a.txt","content":"one\\n"}',
  '@tool todos {"todos":[{"text":"Look","status":"completed"}]}',
  "@say done",
].join("\n");

describe("sessions that exist", () => {
  it("LOAD-001 to -003: all is told before the answer, and nothing after it", async () => {
    const first = new Editor();
    const { sessionId, cwd } = await first.open();
    await first.prompt(sessionId, script);
    await first.kill();
    const second = new Editor({ dataDir: first.dataDir });
    await second.greet();
    const loaded = await second.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
    expect(loaded).toMatchObject({ modes: { currentModeId: "ask" } });
    const kinds = second.updates(sessionId).map(({ sessionUpdate }) => sessionUpdate);
    expect(kinds).toEqual([
      "user_message_chunk",
      "tool_call",
      "tool_call_update",
      "tool_call",
      "tool_call_update",
      "agent_message_chunk",
      "session_info_update",
      "usage_update",
      "plan",
      "available_commands_update",
      "session_info_update",
    ]);
    await second.agent.request("session/list", {});
    expect(second.updates(sessionId)).toHaveLength(kinds.length);
    expect(await second.prompt(sessionId, "@say more")).toMatchObject({ stopReason: "end_turn" });
  });

  it("LOAD: a session without a prompt, and one that does not exist", async () => {
    const first = new Editor();
    const { sessionId, cwd } = await first.open();
    await first.kill();
    const second = new Editor({ dataDir: first.dataDir });
    await second.greet();
    await second.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
    const missing = second.agent.request("session/load", {
      sessionId: "ses_none",
      cwd,
      mcpServers: [],
    });
    await expect(missing).rejects.toMatchObject({ code: -32002 });
    // Neither has another folder a session that is open.
    await expect(
      second.agent.request("session/load", { sessionId, cwd: makeFolder(), mcpServers: [] }),
    ).rejects.toMatchObject({ code: -32002 });
    // Asking for it has not made it.
    const { sessions } = await second.agent.request("session/list", {});
    expect(sessions.map((one) => one.sessionId)).toEqual([sessionId]);
  });

  it("RESUME-001, -002: no history is told, and the model knows it", async () => {
    const first = new Editor();
    const { sessionId, cwd } = await first.open();
    await first.prompt(sessionId, "@say one");
    await first.kill();
    const second = new Editor({ dataDir: first.dataDir });
    await second.greet();
    await second.agent.request("session/resume", { sessionId, cwd });
    expect(second.updates(sessionId)).toEqual([]);
    await second.prompt(sessionId, "@say two");
    expect(second.said(sessionId)).toBe("two");
  });

  it("LIST-001, -002: by folder, newest first, and nothing for a folder that is unknown", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const other = await editor.agent.request("session/new", { cwd: makeFolder(), mcpServers: [] });
    await editor.prompt(sessionId, "Hello there");
    const all = await editor.agent.request("session/list", {});
    expect(new Set(all.sessions.map((one) => one.sessionId))).toEqual(
      new Set([sessionId, other.sessionId]),
    );
    const { sessions } = await editor.agent.request("session/list", { cwd });
    expect(sessions).toEqual([
      { sessionId, cwd, title: "Hello there", updatedAt: expect.any(String) },
    ]);
    expect(await editor.agent.request("session/list", { cwd: "/nope" })).toEqual({ sessions: [] });
  });

  it("DELETE-001, -002: it is gone, with what runs on it; one that is not there is deleted too", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const prompt = editor.prompt(sessionId, "@say begun\n@wait 60000");
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    await editor.agent.request("session/delete", { sessionId });
    expect(await prompt).toMatchObject({ stopReason: "cancelled" });
    expect(await editor.agent.request("session/list", {})).toEqual({ sessions: [] });
    expect(await editor.agent.request("session/delete", { sessionId: "ses_none" })).toEqual({});
  });

  it("CLOSE-001, -002: what runs is cancelled and answered before, and the session can be loaded", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const order: string[] = [];
    const prompt = editor
      .prompt(sessionId, "@say begun\n@wait 60000")
      .then(({ stopReason }) => order.push(stopReason));
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    await editor.agent.request("session/close", { sessionId });
    order.push("closed");
    await prompt;
    expect(order).toEqual(["cancelled", "closed"]);
    await expect(editor.prompt(sessionId, "x")).rejects.toMatchObject({ code: -32002 });
    await editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  });
});

describe("choices", () => {
  it("MODES-001, -002: a mode holds for the session's prompts, and no other is taken", async () => {
    const editor = new Editor();
    const { sessionId, modes } = await editor.open();
    expect(modes?.availableModes.map(({ id }) => id)).toContain("acceptEdits");
    await editor.agent.request("session/set_mode", { sessionId, modeId: "acceptEdits" });
    await editor.prompt(sessionId, '@tool write {"path":"a.txt","content":"a"}\n@say done');
    expect(editor.questions).toEqual([]);
    const wrong = editor.agent.request("session/set_mode", { sessionId, modeId: "none" });
    await expect(wrong).rejects.toMatchObject({ code: -32602 });
  });

  it("MODES: of two sessions in one folder each has its own", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const second = await editor.agent.request("session/new", { cwd, mcpServers: [] });
    await editor.agent.request("session/set_mode", { sessionId, modeId: "allow" });
    await editor.prompt(second.sessionId, '@tool bash {"command":"true"}\n@say done');
    expect(editor.questions.map((question) => question.sessionId)).toEqual([second.sessionId]);
  });

  it("CONFIG-001, -002: an option's new value is answered with all options", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const { configOptions } = await editor.agent.request("session/set_config_option", {
      sessionId,
      configId: "mode",
      value: "plan",
    });
    expect(configOptions.map(({ id, currentValue }) => [id, currentValue])).toEqual([
      ["mode", "plan"],
      ["model", "offline/offline"],
      ["thought_level", "default"],
    ]);
    const set = (configId: string, value: string) =>
      editor.agent.request("session/set_config_option", { sessionId, configId, value });
    await expect(set("model", "none")).rejects.toMatchObject({ code: -32602 });
    await expect(set("none", "x")).rejects.toMatchObject({ code: -32602 });
    await set("model", "offline/offline");
    await set("thought_level", "high");
    await expect(set("thought_level", "endless")).rejects.toMatchObject({ code: -32602 });
    // Older editors.
    await editor.agent.request("session/set_model", { sessionId, modelId: "offline" });
    expect(await editor.prompt(sessionId, "@say on")).toMatchObject({ stopReason: "end_turn" });
  });
});

describe("PROMPTCAP-001 to -003: what a prompt may hold", () => {
  it("takes images and embedded files", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const answer = await editor.agent.request("session/prompt", {
      sessionId,
      prompt: [
        { type: "text", text: "@say seen" },
        { type: "image", mimeType: "image/png", data: "iVBORw0KGgo=" },
        {
          type: "resource",
          resource: { uri: "file:///a/b.bin", blob: "AAAA", mimeType: "application/x-b" },
        },
      ],
    });
    expect(answer).toMatchObject({ stopReason: "end_turn" });
    // What was stored with the prompt is told by a load.
    await editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
    const stored = editor
      .updates(sessionId)
      .flatMap((update) =>
        update.sessionUpdate === "user_message_chunk" && update.content.type === "text"
          ? [update.content.text]
          : [],
      );
    expect(stored).toEqual(["@say seen", "[image, image/png]", "[b.bin, application/x-b]"]);
  });

  it("takes a picture without a word", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const prompt = [
      {
        type: "image",
        mimeType: "image/png",
        data: "iVBORw0KGgo=",
        uri: "file:///a/shot.png",
      } as const,
    ];
    const answer = await editor.agent.request("session/prompt", { sessionId, prompt });
    expect(answer).toMatchObject({ stopReason: "end_turn" });
    expect(editor.said(sessionId)).toContain("[shot.png]");
  });

  it("refuses a prompt that is empty", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await expect(editor.prompt(sessionId, " ")).rejects.toMatchObject({ code: -32602 });
  });
});

describe("tool servers of a session", () => {
  it("are started with it, and their tools are asked about as every other's", async () => {
    const editor = new Editor();
    await editor.greet();
    const cwd = makeFolder();
    const server = join(import.meta.dirname, "../../helpers/mcpServer.mjs");
    const { sessionId } = await editor.agent.request("session/new", {
      cwd,
      mcpServers: [{ name: "my docs", command: process.execPath, args: [server], env: [] }],
    });
    const call = '@tool mcp__my-docs__echo {"text":"hello"}';
    await editor.prompt(sessionId, `${call}\n@say done`);
    expect(editor.questions.map(({ toolCall }) => toolCall.title)).toEqual([
      expect.stringContaining("mcp__my-docs__echo"),
    ]);
    expect(editor.updates(sessionId)).toContainEqual(
      expect.objectContaining({ status: "completed", rawOutput: "hello" }),
    );
    const sse = editor.agent.request("session/new", {
      cwd,
      mcpServers: [{ type: "sse", name: "old", url: "http://127.0.0.1:1/", headers: [] }],
    });
    await expect(sse).rejects.toMatchObject({ code: -32602 });
  });
});
