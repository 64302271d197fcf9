// Editors that go away, or ask two things at once: nothing of the server may fail because of it.
import { symlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { Editor, endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

/** Asks without waiting: the editor goes before it is answered. */
function leaveOpen(prompt: Promise<unknown>): void {
  prompt.catch(() => {});
}

describe("an editor that goes", () => {
  it.each(["before its prompt is accepted", "in the middle of a turn"])(
    "ends the process well %s",
    async (when) => {
      const editor = new Editor();
      const { sessionId } = await editor.open();
      leaveOpen(editor.prompt(sessionId, "@say begun\n@wait 60000"));
      await editor.sent("session/prompt");
      if (when.includes("turn")) {
        await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
      }
      expect(await editor.end()).toBe(0);
      expect(editor.stderr).not.toContain("nobody caught");
    },
  );

  it.each(["before its session is answered", "in the middle of a turn"])(
    "ends the process in order when it closes its end of the output %s",
    async (when) => {
      const editor = new Editor();
      if (when.includes("turn")) {
        const { sessionId } = await editor.open();
        leaveOpen(editor.prompt(sessionId, "@say begun\n@wait 300\n@say on\n@wait 60000"));
        await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
      } else {
        await editor.greet();
        const cwd = makeFolder();
        leaveOpen(editor.agent.request("session/new", { cwd, mcpServers: [] }));
        await editor.sent("session/new");
      }
      editor.child.stdout.destroy();
      // The code of every command whose output could not be written.
      expect(await editor.exited).toBe(5);
      expect(editor.stderr).not.toContain("nobody caught");
    },
  );
});

describe("a turn that goes on after a loss", () => {
  it("is gone on with by the next agent, which tells it in full when the session is loaded", async () => {
    const dataDir = makeFolder();
    const args = ["--on-loss", "continue"];
    const first = new Editor({ dataDir, args });
    const { sessionId, cwd } = await first.open();
    leaveOpen(first.prompt(sessionId, "@say begun\n@tool ls {}\n@wait 500\n@say done"));
    await first.until(() => (first.said(sessionId) === "begun" ? true : undefined));
    await first.kill();
    const next = new Editor({ dataDir, args });
    await next.greet();
    // A load tells what there is by then, and nothing behind its answer.
    const load = async () => {
      await next.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
      return next.said(sessionId);
    };
    await expect.poll(load, { interval: 200 }).toContain("done");
    const prompts = next
      .updates(sessionId)
      .flatMap((one) => (one.sessionUpdate === "user_message_chunk" ? [one.messageId] : []));
    expect(new Set(prompts).size).toBe(1);
    expect(await next.prompt(sessionId, "@say next")).toMatchObject({ stopReason: "end_turn" });
    expect(await next.end()).toBe(0);
  });
});

describe("a session that another server runs", () => {
  it("can be looked at and closed, and its turn goes on", async () => {
    const asked = new Deferred<void>();
    const over = new Deferred<void>();
    const one = new Editor({
      onPermission: async () => {
        asked.resolve();
        await over.promise;
        return { outcome: { outcome: "selected", optionId: "allow" } };
      },
    });
    const { sessionId, cwd } = await one.open();
    const answer = one.prompt(sessionId, '@tool bash {"command":"touch made"}\n@say done');
    await asked.promise;
    const other = new Editor({ dataDir: one.dataDir });
    await other.greet();
    await other.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
    await expect(other.prompt(sessionId, "@say no")).rejects.toMatchObject({ code: -32603 });
    await other.agent.notify("session/cancel", { sessionId });
    expect(await other.agent.request("session/close", { sessionId })).toEqual({});
    await expect(other.prompt(sessionId, "@say no")).rejects.toMatchObject({ code: -32002 });
    over.resolve();
    expect(await answer).toMatchObject({ stopReason: "end_turn" });
    expect(other.stderr).toBe("");
  });
});

describe("several requests at once", () => {
  it("open a session once, and each is answered", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(sessionId, "@say one");
    await editor.agent.request("session/close", { sessionId });
    const asked = { sessionId, cwd, mcpServers: [] };
    await Promise.all([1, 2].map(() => editor.agent.request("session/load", asked)));
    expect(await editor.prompt(sessionId, "@say two")).toMatchObject({ stopReason: "end_turn" });
    // Nothing keeps the session after it was closed.
    await editor.agent.request("session/close", { sessionId });
    await expect(editor.prompt(sessionId, "@say three")).rejects.toMatchObject({ code: -32002 });
  });

  it("do not hold back the answer that their first prompt waits for", async () => {
    const asked = new Deferred<void>();
    const over = new Deferred<void>();
    const editor = new Editor({
      onPermission: async () => {
        asked.resolve();
        await over.promise;
        return { outcome: { outcome: "selected", optionId: "allow" } };
      },
    });
    const { sessionId } = await editor.open();
    const first = editor.prompt(sessionId, '@tool bash {"command":"true"}\n@say done');
    await asked.promise;
    const others = Array.from({ length: 1_200 }, () => editor.prompt(sessionId, "@say more"));
    const ends = Promise.allSettled(others);
    over.resolve();
    expect(await first).toMatchObject({ stopReason: "end_turn" });
    await editor.agent.notify("session/cancel", { sessionId });
    const refused = (await ends).filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(600);
    expect(refused[0]).toMatchObject({
      reason: { code: -32603, message: "More than 500 prompts wait for their turns." },
    });
    expect(await editor.prompt(sessionId, "@say last")).toMatchObject({ stopReason: "end_turn" });
  });

  it("refuse more tool servers than a session has, at once, and in one sentence", async () => {
    const editor = new Editor();
    await editor.greet();
    const one = { name: "same", command: "/nowhere", args: [], env: [] };
    const mcpServers = Array.from({ length: 20_000 }, () => one);
    const asked = editor.agent.request("session/new", { cwd: makeFolder(), mcpServers });
    await expect(asked).rejects.toMatchObject({
      code: -32602,
      message: "Invalid params: a session has at most 32 tool servers",
    });
    const odd = { ...one, env: [{ name: "a=b", value: "" }] };
    const wrong = editor.agent.request("session/new", { cwd: makeFolder(), mcpServers: [odd] });
    const again = expect.not.stringMatching(/Invalid params.*Invalid params/);
    await expect(wrong).rejects.toMatchObject({ code: -32602, message: again });
  });
});

describe("the folder of a session", () => {
  it("is found by every name that it has", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(sessionId, "@say one");
    const link = join(makeFolder(), "link");
    symlinkSync(cwd, link);
    for (const name of [cwd, `${cwd}/`, link, `${cwd}/../${basename(cwd)}`]) {
      const { sessions } = await editor.agent.request("session/list", { cwd: name });
      expect(sessions.map((one) => one.sessionId)).toEqual([sessionId]);
    }
    expect(await editor.agent.request("session/list", { cwd: `${cwd}/none` })).toEqual({
      sessions: [],
    });
  });

  it("may be gone when a session is deleted that is not open", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(sessionId, "@say one");
    await editor.agent.request("session/close", { sessionId });
    await rm(cwd, { recursive: true });
    expect(await editor.agent.request("session/delete", { sessionId })).toEqual({});
    expect(await editor.agent.request("session/list", {})).toEqual({ sessions: [] });
    // It is as good as deleted.
    expect(await editor.agent.request("session/delete", { sessionId })).toEqual({});
  });

  it("may be gone when the session is deleted", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(sessionId, "@say one");
    await rm(cwd, { recursive: true });
    expect(await editor.agent.request("session/delete", { sessionId })).toEqual({});
    expect(await editor.agent.request("session/list", {})).toEqual({ sessions: [] });
  });
});
