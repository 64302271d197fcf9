// Editors that ask for what makes no sense: each request is answered with an error or well, no update comes
// behind an answer, and the agent goes on.
import { afterAll, describe, expect, it } from "vitest";
import { Editor, endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

const capabilities = { fs: { readTextFile: true, writeTextFile: true } };

/** The agent goes on: a prompt is run, and no error went uncaught. */
async function expectWell(editor: Editor, sessionId: string): Promise<void> {
  expect(await editor.prompt(sessionId, "@say well")).toMatchObject({ stopReason: "end_turn" });
  expect(editor.said(sessionId)).toMatch(/well$/);
  expect(editor.stderr).not.toContain("nobody caught");
}

describe("an editor that asks in an odd order", () => {
  it("may send two prompts and a load at once, and each is answered", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const answers = await Promise.all([
      editor.prompt(sessionId, "@wait 50\n@say one"),
      editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] }),
      editor.prompt(sessionId, "@say two"),
      editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] }),
    ]);
    expect(answers[0]).toMatchObject({ stopReason: "end_turn" });
    expect(answers[2]).toMatchObject({ stopReason: "end_turn" });
    await expectWell(editor, sessionId);
  });

  it("may cancel before it prompts, and what was never asked", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.agent.notify("session/cancel", { sessionId });
    await editor.agent.notify("session/cancel", { sessionId: "none" });
    for (const requestId of [4711, "none", null]) {
      await editor.agent.notify("$/cancel_request", { requestId });
    }
    await expectWell(editor, sessionId);
  });

  it("is refused a session that was deleted, a folder that is none, and modes and options of nobody", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const other = await editor.agent.request("session/new", { cwd, mcpServers: [] });
    await editor.prompt(other.sessionId, "@say other");
    await editor.agent.request("session/delete", { sessionId: other.sessionId });
    const gone = { sessionId: other.sessionId, cwd, mcpServers: [] };
    for (const method of ["session/load", "session/resume"] as const) {
      await expect(editor.agent.request(method, gone)).rejects.toMatchObject({ code: -32002 });
    }
    await expect(editor.prompt(other.sessionId, "x")).rejects.toMatchObject({ code: -32002 });
    const nowhere = { cwd: `${makeFolder()}/none`, mcpServers: [] };
    await expect(editor.agent.request("session/new", nowhere)).rejects.toMatchObject({
      code: -32602,
    });
    await expect(
      editor.agent.request("session/set_mode", { sessionId, modeId: "everything" }),
    ).rejects.toMatchObject({ code: -32602 });
    for (const [configId, value] of [
      ["mode", "everything"],
      ["model", "none/none"],
      ["thought_level", "infinite"],
      ["constructor", "x"],
    ] as const) {
      await expect(
        editor.agent.request("session/set_config_option", { sessionId, configId, value }),
        configId,
      ).rejects.toMatchObject({ code: -32602 });
    }
    await expectWell(editor, sessionId);
  });

  it("may close a session twice, also while a prompt runs", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    const answer = editor.prompt(sessionId, "@say begun\n@wait 60000");
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    const closes = [1, 2].map(() => editor.agent.request("session/close", { sessionId }));
    expect(await Promise.allSettled(closes)).toMatchObject([
      { status: "fulfilled", value: {} },
      { status: "fulfilled", value: {} },
    ]);
    expect(await answer).toMatchObject({ stopReason: "cancelled" });
    // The SDK takes this error for a session that is closed, as the specification says.
    await editor.agent.request("session/close", { sessionId });
    expect(editor.frames.at(-1)).toMatchObject({ error: { code: -32002 } });
    await editor.agent.request("session/resume", { sessionId, cwd });
    await expectWell(editor, sessionId);
  });
});

describe("an editor that answers badly", () => {
  it.each([[null], [{}], [{ content: 7 }], [[]], ["text"]])(
    "gives %j for a file: the model hears of it, and nothing is written",
    async (wrong) => {
      const editor = new Editor({ capabilities });
      const { sessionId } = await editor.open();
      // In the place of the SDK, which answers well.
      editor.answersFiles = wrong;
      const turn =
        '@tool read {"path":"a.txt"}\n@tool write {"path":"b.txt","content":"b"}\n@say done';
      expect(await editor.prompt(sessionId, turn)).toMatchObject({ stopReason: "end_turn" });
      expect(editor.said(sessionId)).toBe("done");
      expect(editor.buffers.size).toBe(0);
      await expectWell(editor, sessionId);
    },
  );
});

describe("an editor that writes what is no message", () => {
  it("is told so, and the next line counts", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const count = editor.frames.length;
    const invalid = Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0x0a]);
    const inside = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":"bytes","method":"session/prompt","params":{"sessionId":'),
      Buffer.from(JSON.stringify(sessionId)),
      Buffer.from(',"prompt":[{"type":"text","text":"@say '),
      Buffer.from([0xff, 0xc3]),
      Buffer.from('"}]}}\n'),
    ]);
    editor.child.stdin.write(invalid);
    editor.child.stdin.write(inside);
    const answer = await editor.until(() =>
      editor.frames.slice(count).find(({ id }) => id === "bytes"),
    );
    expect(answer.result).toMatchObject({ stopReason: "end_turn" });
    const refused = editor.frames.slice(count).filter(({ error }) => error !== undefined);
    expect(refused).toMatchObject([{ id: null, error: { code: -32700 } }]);
    await expectWell(editor, sessionId);
  });

  it("may send a huge picture, and no picture at all as one", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const image = (data: string, mimeType = "image/png") =>
      editor.agent.request("session/prompt", {
        sessionId,
        prompt: [
          { type: "text", text: "@say seen" },
          { type: "image", data, mimeType },
        ],
      });
    const huge = image(Buffer.alloc(40 * 1024 * 1024, 1).toString("base64")).catch(
      (error) => error,
    );
    expect(await huge).toMatchObject({ code: expect.any(Number), message: expect.any(String) });
    for (const [data, type] of [
      ["no base64 %%", "image/png"],
      ["", "image/png"],
      ["AAAA", "no/such"],
    ]) {
      const outcome = await image(data ?? "", type).catch((error) => error);
      expect(outcome.stopReason ?? outcome.code).toBeDefined();
    }
    await expectWell(editor, sessionId);
  });
});
