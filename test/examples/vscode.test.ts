// The example extension for VS Code. Each program below is one life of a window.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "./sandbox.js";
import { installInVscode, liveInVscode } from "./vscodeLife.js";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = createSandbox();
  await installInVscode(sandbox);
});
afterAll(() => sandbox.remove());

function live(code: string, nodeArgs: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return liveInVscode(sandbox, code, nodeArgs, env);
}

/** What the tools of a session gave the model. */
async function toolOutputs(sessionId: string): Promise<string[]> {
  const told = await sandbox.runCode(`
    import { TurnwireClient } from "turnwire/client";
    const client = await TurnwireClient.spawn();
    const { id: workspaceId } = await client.api.createWorkspace({ path: "." });
    const sessionId = ${JSON.stringify(sessionId)};
    const { messages } = await client.api.listMessages({ workspaceId, sessionId });
    const parts = messages.flatMap((message) => message.parts);
    console.log(JSON.stringify(parts.flatMap(({ output }) => output ?? [])));
    await client.close();`);
  return JSON.parse(told);
}

describe("the extension for VS Code", () => {
  it("streams, asks with the diff, uses the editor's diagnostics, and goes on in its session", async () => {
    const { answers, seen, tabs, sessions } = await live(`
      user.picks = () => "Allow";
      const script = '@tool diagnostics {"path": "a.ts"}\\n@tool write {"path": "made.txt", "content": "hi\\\\n"}\\n@say Written.';
      const first = await chat(script);
      const history = [{ result: first.result }];
      user.picks = () => undefined;
      const second = await chat('@say No:\\n@tool bash {"command": "echo 1 > no.txt"}\\n@say never', {
        history,
        // The user presses Stop while the question is open.
        source: (() => {
          const source = new vscode.CancellationTokenSource();
          until(() => seen.some((line) => line.startsWith("asked: Run"))).then(() => source.cancel());
          return source;
        })(),
      });
      await end();
      console.log(JSON.stringify({
        answers: [first, second].map(({ text, result }) => [text.trim(), result.errorDetails?.message]),
        sessions: [first, second].map(({ result }) => result.metadata.sessionId),
        seen,
        tabs,
      }));
    `);
    expect(answers).toEqual([
      ["Written.", null],
      ["No:", expect.stringContaining("cancelled")],
    ]);
    expect(sessions[0]).toBe(sessions[1]);
    expect(await toolOutputs(sessions[0])).toContain("a.ts:3 error: 'x' is not defined");
    expect(readFileSync(join(sandbox.folder, "made.txt"), "utf8")).toBe("hi\n");
    expect(seen).toContain("progress: diagnostics …");
    const asked = seen.findIndex((line: string) =>
      /^asked: .*made\.txt.* Allow, Allow for this session, Deny$/.test(line),
    );
    // The diff is on the screen before the question.
    expect(seen.slice(0, asked)).toContainEqual(expect.stringContaining("+hi"));
    expect(seen).toContainEqual(expect.stringContaining("shown: Run: echo 1 > no.txt"));
    expect(seen.at(-1)).toBe("withdrawn");
    // No document of a question stays open.
    expect(tabs).toEqual([]);
  });

  it("answers with the error where the server refuses", async () => {
    const { result } = await live(`
      const { result } = await chat("");
      await end();
      console.log(JSON.stringify({ result }));
    `);
    expect(result.errorDetails.message).toMatch(/prompt/i);
  });

  it("loses no reply over a reload: the next window gets it, once", async () => {
    const reload = `
      chat("@say I begin.\\n@wait 1500\\n@say I am done.", {
        onText: async (text) => {
          if (text !== "I begin.\\n" && text !== "I begin.") return;
          await extension.deactivate();
          console.log(JSON.stringify({ text: text.trim() }));
          process.exit(0);
        },
      });
    `;
    expect(await live(reload)).toEqual({ text: "I begin." });
    const next = `
      user.presses = () => "Show";
      await until(() => seen.length >= 2);
      await end();
      console.log(JSON.stringify({ seen }));
    `;
    // As in the editor's own program, which is no Node until it is told to be one.
    const inElectron = [
      "--import",
      'data:text/javascript,Object.defineProperty(process.versions,"electron",{value:"35.0.0"})',
    ];
    const inVsCode = { VSCODE_PID: String(process.pid), ELECTRON_RUN_AS_NODE: "" };
    const { seen } = await live(next, inElectron, inVsCode);
    expect(seen).toEqual([
      "told: A run has ended meanwhile: succeeded.",
      expect.stringMatching(/^shown: ## succeeded\n\nI begin\.\s+I am done\.\n$/),
    ]);
    const after = `
      await chat("@say On we go.");
      await end();
      console.log(JSON.stringify({ seen }));
    `;
    expect((await live(after)).seen).toEqual([]);
  });
});
