// Calls of commands in an editor that shows their output in a terminal of its own, as it comes.
import { afterAll, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { Editor, endEditors } from "./editor.js";

afterAll(endEditors);

const capabilities = { _meta: { terminal_output: true } };

/** What an editor shows of its tool calls: each update replaces the fields that it has. */
function shownCalls(editor: Editor, sessionId: string) {
  const calls = new Map<string, Record<string, unknown> & { written: string; exit?: unknown }>();
  for (const update of editor.updates(sessionId)) {
    if (!("toolCallId" in update)) continue;
    const { _meta, ...fields } = update;
    const before = calls.get(update.toolCallId) ?? { written: "" };
    const output = _meta?.terminal_output as { data: string } | undefined;
    const exit = (_meta?.terminal_exit as { exit_code: number } | undefined)?.exit_code;
    const written = before.written + (output?.data ?? "");
    const all = { ...before, ...fields, written, ...defined({ exit }) };
    calls.set(update.toolCallId, all);
  }
  return [...calls.values()];
}

it("has its terminal again after the question about it, and ends with the command's own code", async () => {
  const editor = new Editor({ capabilities });
  const { sessionId } = await editor.open();
  await editor.prompt(sessionId, '@tool bash {"command":"echo hi; exit 3"}\n@say done');
  expect(editor.questions).toHaveLength(1);
  const [call] = shownCalls(editor, sessionId);
  expect(call).toMatchObject({
    title: "echo hi; exit 3",
    content: [{ type: "terminal", terminalId: call?.toolCallId }],
    written: "hi\n",
    exit: 3,
  });
  // A question replaces what is shown of a call, so the terminal is told behind it.
  const asked = editor.frames.findIndex(({ method }) => method === "session/request_permission");
  const after = editor.frames.slice(asked).map(({ params }) => JSON.stringify(params ?? {}));
  const terminal = after.findIndex((text) => text.includes('"type":"terminal"'));
  expect(terminal).toBeGreaterThan(0);
  expect(terminal).toBeLessThan(after.findIndex((text) => text.includes("terminal_output")));
});

it("has its output again when the session is loaded", async () => {
  const first = new Editor({ capabilities });
  const { sessionId, cwd } = await first.open();
  await first.prompt(sessionId, '@tool bash {"command":"echo hi; exit 3"}\n@say done');
  await first.kill();
  const second = new Editor({ capabilities, dataDir: first.dataDir });
  await second.greet();
  await second.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  expect(shownCalls(second, sessionId)).toMatchObject([
    { status: "failed", written: "hi\n[exit code 3]", exit: 3 },
  ]);
});

it("says why a command did not run", async () => {
  const editor = new Editor({
    capabilities,
    onPermission: () => ({ outcome: { outcome: "selected", optionId: "deny" } }),
  });
  const { sessionId } = await editor.open();
  await editor.prompt(sessionId, '@tool bash {"command":"echo hi"}\n@say done');
  expect(shownCalls(editor, sessionId)).toMatchObject([
    { status: "failed", written: expect.stringMatching(/denied|refused/i), exit: 1 },
  ]);
});

it("a sub-task has its own words again after its question", async () => {
  const editor = new Editor();
  const { sessionId } = await editor.open();
  const task = { description: "Look", prompt: '@tool ls {"path":"/etc"}\n@say sub' };
  await editor.prompt(sessionId, `@tool task ${JSON.stringify(task)}\n@say done`);
  expect(editor.questions.map(({ toolCall }) => toolCall.title)).toEqual(["ls /etc"]);
  const asked = editor.frames.findIndex(({ method }) => method === "session/request_permission");
  const titles = editor.frames.slice(asked + 1).flatMap(({ params }) => {
    const update = params?.update;
    return update !== undefined && "title" in update && "toolCallId" in update
      ? [update.title]
      : [];
  });
  expect(titles).toEqual(["task Look"]);
});
