// What editors do beside the specification, and what has broken agents there: each trap is one test.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { Editor, endEditors } from "./editor.js";

afterAll(endEditors);

const kindsOf = (editor: Editor, sessionId: string) =>
  editor.updates(sessionId).map(({ sessionUpdate }) => sessionUpdate);

describe("updates and answers", () => {
  it("send nothing of a session before it is known, and its commands right after", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.until(() => (editor.updates(sessionId).length > 0 ? true : undefined));
    const answer = editor.frames.findIndex(
      ({ result }) => typeof result === "object" && result !== null && "sessionId" in result,
    );
    const first = editor.frames.findIndex(({ method }) => method === "session/update");
    expect(first).toBeGreaterThan(answer);
    expect(kindsOf(editor, sessionId)).toEqual(["available_commands_update"]);
  });

  it("hold what changes after an answer until the next prompt", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.prompt(sessionId, "@say one");
    const count = editor.frames.length;
    await editor.agent.request("session/list", {});
    const late = editor.frames.slice(count).filter(({ method }) => method !== undefined);
    expect(late).toEqual([]);
  });

  it("answer each of several prompts at once, in order, each with its own run", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const order: number[] = [];
    const answers = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const answer = await editor.prompt(sessionId, `@wait 20\n@say ${number}`);
        order.push(number);
        return answer;
      }),
    );
    expect(order).toEqual([1, 2, 3]);
    expect(editor.said(sessionId)).toBe("123");
    const runs = answers.map(({ _meta }) => JSON.stringify(_meta));
    expect(new Set(runs).size).toBe(3);
  });

  it("keep a prompt that follows a cancel unharmed", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const first = editor.prompt(sessionId, "@say begun\n@wait 60000");
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    await editor.agent.notify("session/cancel", { sessionId });
    const second = editor.prompt(sessionId, "@say well");
    expect(await first).toMatchObject({ stopReason: "cancelled" });
    expect(await second).toMatchObject({ stopReason: "end_turn" });
    expect(editor.said(sessionId)).toBe("begunwell");
  });

  it("answer a request that was cancelled with -32800, and stop its turn", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const controller = new AbortController();
    const prompt = editor.agent.request(
      "session/prompt",
      { sessionId, prompt: [{ type: "text", text: "@say begun\n@wait 60000" }] },
      { cancellationSignal: controller.signal },
    );
    await editor.until(() => (editor.said(sessionId) === "begun" ? true : undefined));
    controller.abort();
    await expect(prompt).rejects.toMatchObject({ code: -32800 });
    expect(await editor.prompt(sessionId, "@say on")).toMatchObject({ stopReason: "end_turn" });
  });

  it("give a failure as Zed shows it: one line, and `data` with the details alone", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const failure = await editor.prompt(sessionId, "@fail 429 Slow down.").catch((error) => error);
    expect(failure).toMatchObject({ code: -32603 });
    expect(failure.data).toEqual({ details: expect.stringContaining("429") });
    expect(failure.message).not.toContain("\n");
  });

  it("tell reasons to stop that are no failures", async () => {
    const editor = new Editor({
      env: { TURNWIRE_CONFIG_SET: JSON.stringify([{ path: ["limits", "maxSteps"], value: 1 }]) },
    });
    const { sessionId } = await editor.open();
    const answer = await editor
      .prompt(sessionId, "@tool ls {}\n@tool ls {}\n@say x")
      .catch((e) => e);
    expect(answer).toMatchObject({ stopReason: "max_turn_requests" });
  });
});

describe("questions", () => {
  it("have one option of a kind, and the change before all else", async () => {
    const editor = new Editor();
    const { sessionId, cwd } = await editor.open();
    writeFileSync(join(cwd, "a.txt"), "one\ntwo\nthree\n");
    const edit = { path: "a.txt", edits: [{ oldText: "two", newText: "2" }] };
    await editor.prompt(
      sessionId,
      `@tool read {"path":"a.txt"}\n@tool edit ${JSON.stringify(edit)}\n@say done`,
    );
    const [question] = editor.questions;
    expect(question?.options.map(({ kind }) => kind)).toEqual([
      "allow_once",
      "allow_always",
      "reject_once",
    ]);
    expect(question?.toolCall.content?.[0]).toEqual({
      type: "diff",
      path: join(cwd, "a.txt"),
      oldText: "one\ntwo\nthree\n",
      newText: "one\n2\nthree\n",
    });
    expect(question?.toolCall.locations).toEqual([{ path: join(cwd, "a.txt"), line: 2 }]);
    // The call was told before the question about it.
    const known = editor
      .updates(sessionId)
      .flatMap((update) => (update.sessionUpdate === "tool_call" ? [update.toolCallId] : []));
    expect(known).toContain(question?.toolCall.toolCallId);
  });

  it("of a sub-task come with the parent's id, and its call is told first", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const task = { description: "Look", prompt: '@tool ls {"path":"/etc"}\n@say sub' };
    await editor.prompt(sessionId, `@tool task ${JSON.stringify(task)}\n@say done`);
    const asked = editor.questions.find(({ toolCall }) => toolCall.title === "ls /etc");
    expect(asked?.sessionId).toBe(sessionId);
    const told = editor
      .updates(sessionId)
      .some((update) => "toolCallId" in update && update.toolCallId === asked?.toolCall.toolCallId);
    expect(told).toBe(true);
    const others = editor.frames.filter(
      ({ params }) => params?.sessionId !== undefined && params.sessionId !== sessionId,
    );
    expect(others).toEqual([]);
  });

  it("are withdrawn with the turn, also from an editor that never answers", async () => {
    let withdrawn = false;
    const editor = new Editor({
      onPermission: (_, signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            withdrawn = true;
            resolve({ outcome: { outcome: "cancelled" } });
          });
        }),
    });
    const { sessionId } = await editor.open();
    const prompt = editor.prompt(sessionId, '@tool bash {"command":"true"}\n@say done');
    await editor.until(() => (editor.questions.length > 0 ? true : undefined));
    await editor.agent.notify("session/cancel", { sessionId });
    expect(await prompt).toMatchObject({ stopReason: "cancelled" });
    expect(withdrawn).toBe(true);
  });

  it("are denied when nobody has answered for too long", async () => {
    const editor = new Editor({
      args: ["--question-timeout", "0.2"],
      onPermission: () => new Promise(() => {}),
    });
    const { sessionId } = await editor.open();
    await editor.prompt(sessionId, '@tool bash {"command":"true"}\n@say done');
    expect(editor.said(sessionId)).toBe("done");
    const ends = editor
      .updates(sessionId)
      .flatMap((update) =>
        update.sessionUpdate === "tool_call_update" && update.rawOutput !== undefined
          ? [update]
          : [],
      );
    expect(ends).toMatchObject([{ status: "failed" }]);
  });

  it("take a refusal, and a choice that was not offered, as no", async () => {
    for (const optionId of ["deny", "allow_everything"]) {
      const editor = new Editor({
        onPermission: () => ({ outcome: { outcome: "selected", optionId } }),
      });
      const { sessionId, cwd } = await editor.open();
      await editor.prompt(sessionId, '@tool write {"path":"a.txt","content":"a"}\n@say done');
      expect(editor.updates(sessionId)).toContainEqual(
        expect.objectContaining({ sessionUpdate: "tool_call_update", status: "failed" }),
      );
      expect(() => writeFileSync(join(cwd, "a.txt"), "", { flag: "wx" })).not.toThrow();
    }
  });
});

describe("files of an editor that gives them", () => {
  const capabilities = { fs: { readTextFile: true, writeTextFile: true } };

  it("are read and changed as they are there, and not on the disk", async () => {
    const editor = new Editor({ capabilities });
    const { sessionId, cwd } = await editor.open();
    const path = join(cwd, "a.txt");
    writeFileSync(path, "saved\n");
    editor.buffers.set(path, "not saved\n");
    const edit = { path: "a.txt", edits: [{ oldText: "not saved", newText: "changed" }] };
    await editor.prompt(
      sessionId,
      `@tool read {"path":"a.txt"}\n@tool edit ${JSON.stringify(edit)}\n@say done`,
    );
    expect(editor.buffers.get(path)).toBe("changed\n");
    expect(readFileSync(path, "utf8")).toBe("saved\n");
    expect(editor.questions[0]?.toolCall.content?.[0]).toMatchObject({
      type: "diff",
      newText: expect.stringContaining("changed"),
    });
  });

  it("are made where there are none, and left alone where the editor changes them meanwhile", async () => {
    const editor: Editor = new Editor({
      capabilities,
      onPermission: ({ toolCall }) => {
        const path = toolCall.locations?.[0]?.path ?? "";
        if (path.endsWith("b.txt")) editor.buffers.set(path, "typed meanwhile\n");
        return { outcome: { outcome: "selected", optionId: "allow" } };
      },
    });
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(
      sessionId,
      '@tool write {"path":"a.txt","content":"new\\n"}\n@tool write {"path":"b.txt","content":"b"}\n@say done',
    );
    expect(editor.buffers.get(join(cwd, "a.txt"))).toBe("new\n");
    expect(editor.buffers.get(join(cwd, "b.txt"))).toBe("typed meanwhile\n");
  });
});

describe("a file that a slow editor has", () => {
  it("is not written when the turn was cancelled meanwhile", async () => {
    let reads = 0;
    const looked = new Deferred<void>();
    const slow = new Deferred<void>();
    const editor: Editor = new Editor({
      capabilities: { fs: { readTextFile: true, writeTextFile: true } },
      onRead: async () => {
        // The third one is the look at what would be overwritten, behind the question.
        if (++reads < 3) return;
        looked.resolve();
        await slow.promise;
      },
    });
    const { sessionId, cwd } = await editor.open();
    const path = join(cwd, "a.txt");
    editor.buffers.set(path, "old\n");
    const write = '@tool write {"path":"a.txt","content":"new"}';
    const answer = editor.prompt(sessionId, `@tool read {"path":"a.txt"}\n${write}\n@say x`);
    await looked.promise;
    await editor.agent.notify("session/cancel", { sessionId });
    expect(await answer).toMatchObject({ stopReason: "cancelled" });
    slow.resolve();
    expect(await editor.prompt(sessionId, "@say next")).toMatchObject({ stopReason: "end_turn" });
    expect(editor.buffers.get(path)).toBe("old\n");
  });
});

describe("tool calls", () => {
  it("have ids that no later reply has again", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    await editor.prompt(sessionId, "@tool ls {}\n@say one");
    await editor.prompt(sessionId, "@tool ls {}\n@say two");
    const ids = editor
      .updates(sessionId)
      .flatMap((update) => (update.sessionUpdate === "tool_call" ? [update.toolCallId] : []));
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
  });

  it("show a command's output in the editor's terminal where it has one", async () => {
    const editor = new Editor({ capabilities: { _meta: { terminal_output: true } } });
    const { sessionId, cwd } = await editor.open();
    await editor.prompt(sessionId, '@tool bash {"command":"echo hi; exit 3"}\n@say done');
    const metas = editor
      .updates(sessionId)
      .flatMap((update) => ("toolCallId" in update && update._meta ? [update._meta] : []));
    const terminal_id = expect.any(String);
    expect(metas[0]).toEqual({ terminal_info: { terminal_id, cwd } });
    expect(metas).toContainEqual({ terminal_output: { terminal_id, data: "hi\n" } });
    expect(metas.at(-1)).toMatchObject({ terminal_exit: { exit_code: 3 } });
  });

  it("do not send a long output again for every line of it", async () => {
    const editor = new Editor();
    const { sessionId } = await editor.open();
    const command = "for i in $(seq 1 2000); do echo line number $i; done";
    await editor.prompt(sessionId, `@tool bash ${JSON.stringify({ command })}\n@say done`);
    const bytes = editor
      .updates(sessionId)
      .reduce((sum, update) => sum + JSON.stringify(update).length, 0);
    // The output has 34 kB; its end is told twice more, as content and as the raw output.
    expect(bytes).toBeLessThan(400_000);
  });
});
