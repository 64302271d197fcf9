// Turns of an earlier window that end while no window waits for them: the next prompt tells how, once.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { PromptResponse } from "@agentclientprotocol/sdk";
import { afterAll, describe, expect, inject, it } from "vitest";
import { testNode } from "../helpers/testNode.js";
import { onWindows, unless } from "../helpers/unless.js";
import { Editor, endEditors, makeFolder } from "./editor.js";

const dataDir = makeFolder();
const home = makeFolder();

/** Runs a command on the data directory of the daemon. */
async function turnwire(...args: string[]): Promise<string> {
  const given = [inject("serverScript"), ...args, "--data-dir", dataDir];
  const env = { PATH: process.env.PATH, HOME: home };
  return (await promisify(execFile)(testNode, given, { env })).stdout;
}

/** Resolves once the newest run has ended. */
async function newestRunEnded(): Promise<void> {
  const { runs } = JSON.parse(await turnwire("runs", "--limit", "1", "--json"));
  await turnwire("attach", runs[0].runId, "--json").catch(({ code }) => expect(code).toBe(1));
}

afterAll(async () => {
  if (!onWindows) await turnwire("daemon", "stop");
  await endEditors();
});

/** A turn that says `begun`, waits for the file `end`, and goes on with `rest`. */
function gatedTurn(rest: string) {
  const gate = join(makeFolder(), "end");
  const wait = { command: `until [ -e ${gate} ]; do sleep 0.05; done` };
  return {
    script: `@say begun\n@tool bash ${JSON.stringify(wait)}\n${rest}`,
    open: () => writeFileSync(gate, ""),
  };
}

/** A window whose turn is in its middle. */
async function beginTurn(script: string, options: ConstructorParameters<typeof Editor>[0]) {
  const editor = new Editor(options);
  const { sessionId, cwd } = await editor.open();
  await editor.agent.request("session/set_mode", { sessionId, modeId: "allow" });
  const answer = editor.prompt(sessionId, script);
  answer.catch(() => {});
  await editor.until(() => (editor.said(sessionId).startsWith("begun") ? true : undefined));
  return { editor, sessionId, cwd, answer };
}

async function openAgain(
  method: "session/load" | "session/resume",
  { sessionId, cwd }: { sessionId: string; cwd: string },
  options: ConstructorParameters<typeof Editor>[0],
): Promise<Editor> {
  const editor = new Editor(options);
  await editor.greet();
  await editor.agent.request(method, { sessionId, cwd, mcpServers: [] });
  return editor;
}

async function pendingOf(editor: Editor, sessionId: string): Promise<string[]> {
  const answer = await editor.agent.request("_turnwire/pending_completions", { sessionId });
  const { completions } = answer as { completions: { completionId: string }[] };
  return completions.map(({ completionId }) => completionId);
}

/** Resolves once so many completions of the session wait. */
async function whenPending(editor: Editor, sessionId: string, count: number): Promise<string[]> {
  for (;;) {
    const pending = await pendingOf(editor, sessionId);
    if (pending.length >= count) return pending;
  }
}

/** The completion that the `_meta` of an answer or an update tells. */
const completionOf = ({ _meta }: Pick<PromptResponse, "_meta">) =>
  (_meta?.["turnwire.dev"] as { completionId: string } | undefined)?.completionId;

/** The completions that updates have told. */
function toldBy(editor: Editor, sessionId: string): string[] {
  return editor.updates(sessionId).flatMap((update) => completionOf(update) ?? []);
}

describe("a turn that ends in the daemon", () => {
  const options = { dataDir, args: ["--attach", "--start"] };

  unless(
    it,
    onWindows,
    "the daemon is tried on Unix sockets",
  )("with a failure while its session is loaded, is told with the next prompt, once", async () => {
    const turn = gatedTurn("@fail 400 not like this");
    const first = await beginTurn(turn.script, options);
    const { sessionId } = first;
    await first.editor.kill();
    const second = await openAgain("session/load", first, options);
    const count = second.frames.length;
    turn.open();
    const [lost] = await whenPending(second, sessionId, 1);
    expect(second.frames.slice(count).filter(({ method }) => method !== undefined)).toEqual([]);
    const answer = await second.prompt(sessionId, "@say next");
    const said = second.said(sessionId).replace(/^begun/, "");
    expect(said).toMatch(/^About an earlier prompt: .*not like this[\s\S]*\n\nnext$/);
    expect(toldBy(second, sessionId)).toEqual([lost]);
    // Both are received when the next message comes.
    expect(await pendingOf(second, sessionId)).toEqual([lost, completionOf(answer)]);
    const third = await second.prompt(sessionId, "@say third");
    expect(second.said(sessionId).split("About an earlier")).toHaveLength(2);
    expect(await pendingOf(second, sessionId)).toEqual([completionOf(third)]);
  });

  unless(
    it,
    onWindows,
    "the daemon is tried on Unix sockets",
  )("with a failure before its session is resumed, is told with the next prompt", async () => {
    const turn = gatedTurn("@fail 400 not like this");
    const first = await beginTurn(turn.script, options);
    const { sessionId } = first;
    await first.editor.kill();
    turn.open();
    await newestRunEnded();
    const second = await openAgain("session/resume", first, options);
    const [lost] = await pendingOf(second, sessionId);
    expect(second.said(sessionId)).toBe("");
    await second.prompt(sessionId, "@say next");
    expect(second.said(sessionId)).toMatch(/^About an earlier prompt: .*not like this[\s\S]*next$/);
    expect(toldBy(second, sessionId)).toEqual([lost]);
  });

  unless(
    it,
    onWindows,
    "the daemon is tried on Unix sockets",
  )("with a failure while a prompt of the next window waits, is told before its turn", async () => {
    const turn = gatedTurn("@fail 400 not like this");
    const first = await beginTurn(turn.script, options);
    const { sessionId } = first;
    await first.editor.kill();
    const second = await openAgain("session/resume", first, options);
    const answer = second.prompt(sessionId, "@say next");
    await second.sent("session/prompt");
    turn.open();
    await answer;
    expect(second.said(sessionId)).toMatch(/About an earlier prompt: .*not like this[\s\S]*next$/);
    expect(toldBy(second, sessionId)).toHaveLength(1);
    expect(await pendingOf(second, sessionId)).toHaveLength(2);
    await second.agent.request("session/close", { sessionId });
    const third = await openAgain("session/load", first, options);
    expect(toldBy(third, sessionId)).toEqual([]);
  });

  unless(
    it,
    onWindows,
    "the daemon is tried on Unix sockets",
  )("well, with a reply that no window was given, is told with that reply", async () => {
    const turn = gatedTurn("@say and ended");
    const first = await beginTurn(turn.script, options);
    const { sessionId } = first;
    await first.editor.kill();
    turn.open();
    await newestRunEnded();
    const second = await openAgain("session/resume", first, options);
    await second.prompt(sessionId, "@say next");
    expect(second.said(sessionId)).toBe("The reply to an earlier prompt:\n\nand ended\n\nnext");
    expect(toldBy(second, sessionId)).toHaveLength(1);
  });
});

describe("a turn that ended with its server", () => {
  it("is told by the next prompt of a window that resumes its session, and by no later one", async () => {
    const own = { dataDir: makeFolder() };
    const first = await beginTurn("@say begun\n@wait 60000", own);
    const { sessionId } = first;
    await first.editor.kill();
    const second = await openAgain("session/resume", first, own);
    const [lost] = await whenPending(second, sessionId, 1);
    await second.prompt(sessionId, "@say next");
    expect(second.said(sessionId)).toMatch(
      /^About an earlier prompt: The server stopped[\s\S]*\n\nnext$/,
    );
    expect(toldBy(second, sessionId)).toEqual([lost]);
    await second.prompt(sessionId, "@say more");
    await second.kill();
    const third = await openAgain("session/load", first, own);
    expect(toldBy(third, sessionId)).not.toContain(lost);
    expect(toldBy(third, sessionId)).toHaveLength(1);
  });

  it("is told by a load, and not by the prompt behind it", async () => {
    const own = { dataDir: makeFolder() };
    const first = await beginTurn("@say begun\n@wait 60000", own);
    const { sessionId } = first;
    await first.editor.kill();
    const second = await openAgain("session/load", first, own);
    expect(toldBy(second, sessionId)).toHaveLength(1);
    await second.prompt(sessionId, "@say next");
    expect(toldBy(second, sessionId)).toHaveLength(1);
    expect(second.said(sessionId)).not.toContain("About an earlier");
  });

  it("does not show a reply again that its window was given", async () => {
    const own = { dataDir: makeFolder() };
    const first = new Editor(own);
    const { sessionId, cwd } = await first.open();
    const answer = await first.prompt(sessionId, "@say well done");
    await first.kill();
    const second = await openAgain("session/resume", { sessionId, cwd }, own);
    await whenPending(second, sessionId, 1);
    await second.prompt(sessionId, "@say next");
    expect(second.said(sessionId)).toBe("next");
    expect(toldBy(second, sessionId)).toEqual([completionOf(answer)]);
  });
});
