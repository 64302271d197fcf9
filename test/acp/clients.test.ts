// The order in which known editors begin, with what they say they can, as their sources have it.
import type { ClientCapabilities } from "@agentclientprotocol/sdk";
import { afterAll, describe, expect, it } from "vitest";
import { Editor, endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

const files = { fs: { readTextFile: true, writeTextFile: true } };

/** Begins, prompts once, and gives what was said. */
async function prompts(editor: Editor, sessionId: string): Promise<string> {
  expect(await editor.prompt(sessionId, "@say hello")).toMatchObject({ stopReason: "end_turn" });
  return editor.said(sessionId);
}

describe("an editor that begins as", () => {
  it("Zed: options one by one, then a prompt; killed when its window closes", async () => {
    const capabilities: ClientCapabilities = {
      ...files,
      terminal: true,
      _meta: { terminal_output: true, "terminal-auth": true },
    };
    const editor = new Editor({ capabilities });
    const { sessionId, configOptions } = await editor.open();
    for (const { id, currentValue } of configOptions ?? []) {
      const value = String(currentValue);
      await editor.agent.request("session/set_config_option", { sessionId, configId: id, value });
    }
    void editor.agent.request("session/set_mode", { sessionId, modeId: "ask" });
    expect(await prompts(editor, sessionId)).toBe("hello");
    await editor.agent.request("session/close", { sessionId });
    await editor.kill();
  });

  it("JetBrains: initialize, session/new, prompt", async () => {
    const editor = new Editor({ capabilities: { ...files, terminal: false } });
    const { sessionId } = await editor.open();
    expect(await prompts(editor, sessionId)).toBe("hello");
  });

  it("CodeCompanion: no login where nothing is offered, load and then new, an option, a list", async () => {
    const editor = new Editor({ capabilities: files });
    const { authMethods } = await editor.greet();
    expect(authMethods).toEqual([]);
    const cwd = makeFolder();
    const loading = editor.agent.request("session/load", {
      sessionId: "ses_gone",
      cwd,
      mcpServers: [],
    });
    await expect(loading).rejects.toMatchObject({ code: -32002 });
    const { sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] });
    await editor.agent.request("session/set_config_option", {
      sessionId,
      configId: "mode",
      value: "acceptEdits",
    });
    expect(await prompts(editor, sessionId)).toBe("hello");
    expect((await editor.agent.request("session/list", { cwd })).sessions).toHaveLength(1);
  });

  it("avante and agent-shell: authenticate all the same, the older way to choose a model", async () => {
    const editor = new Editor({ capabilities: files });
    await editor.greet();
    await editor.agent.request("authenticate", { methodId: "none" });
    const cwd = makeFolder();
    const { sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] });
    await editor.agent.request("session/set_model", { sessionId, modelId: "offline/offline" });
    await editor.agent.request("session/set_mode", { sessionId, modeId: "allow" });
    expect(await prompts(editor, sessionId)).toBe("hello");
  });

  it("Obsidian: new, then resume of it, then a prompt; ended by SIGTERM", async () => {
    const editor = new Editor({ capabilities: { ...files, terminal: true } });
    const { sessionId, cwd } = await editor.open();
    await editor.agent.request("session/resume", { sessionId, cwd });
    expect(await prompts(editor, sessionId)).toBe("hello");
    editor.child.kill("SIGTERM");
    expect(await editor.exited).toBe(0);
  });
});
