// An editor whose turns the daemon runs: they outlive its window.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, inject, it } from "vitest";
import { bareEnvironment } from "../helpers/runFolder.js";
import { testNode } from "../helpers/testNode.js";
import { onWindows, unless } from "../helpers/unless.js";
import { Editor, endEditors, makeFolder } from "./editor.js";

const dataDir = makeFolder();
const home = makeFolder();

function turnwire(...args: string[]): string {
  return execFileSync(testNode, [inject("serverScript"), ...args, "--data-dir", dataDir], {
    encoding: "utf8",
    env: bareEnvironment(home),
  });
}

afterAll(async () => {
  if (!onWindows) turnwire("daemon", "stop");
  await endEditors();
});

unless(
  it,
  onWindows,
  "the daemon is tried on Unix sockets",
)("goes on with a turn whose editor was killed, and tells its end", async () => {
  const first = new Editor({ dataDir, args: ["--attach", "--start"] });
  const { sessionId, cwd } = await first.open();
  void first.prompt(sessionId, "@say begun\n@wait 2000\n@say and ended").catch(() => {});
  await first.until(() => (first.said(sessionId).startsWith("begun") ? true : undefined));
  await first.kill();
  const second = new Editor({ dataDir, args: ["--attach"] });
  await second.greet();
  await second.agent.request("session/resume", { sessionId, cwd });
  // It waits for the turn that runs, and is answered after it.
  expect(await second.prompt(sessionId, "@say next")).toMatchObject({ stopReason: "end_turn" });
  await second.kill();
  const third = new Editor({ dataDir, args: ["--attach"] });
  await third.greet();
  await third.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  expect(third.said(sessionId)).toBe("begun\nand endednext");
  const told = third.updates(sessionId).filter(({ _meta }) => _meta?.["turnwire.dev"]);
  expect(told).toHaveLength(2);
});

unless(
  it,
  onWindows,
  "the daemon is tried on Unix sockets",
)("goes on with a turn whose editor closed its pipes in the middle of it", async () => {
  const first = new Editor({ dataDir, args: ["--attach", "--start"] });
  const { sessionId, cwd } = await first.open();
  void first.prompt(sessionId, "@say begun\n@wait 2000\n@say and ended").catch(() => {});
  await first.until(() => (first.said(sessionId).startsWith("begun") ? true : undefined));
  expect(await first.end()).toBe(0);
  const second = new Editor({ dataDir, args: ["--attach"] });
  await second.greet();
  await second.agent.request("session/resume", { sessionId, cwd });
  // It waits for the turn that runs, and is answered after it.
  await second.prompt(sessionId, "@say next");
  await second.kill();
  const third = new Editor({ dataDir, args: ["--attach"] });
  await third.greet();
  await third.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  expect(third.said(sessionId)).toBe("begun\nand endednext");
});

it("says so where there is no daemon", async () => {
  const editor = new Editor({ args: ["--attach"] });
  expect(await editor.exited).toBe(69);
  expect(editor.stderr).toContain("turnwire daemon start");
});

unless(
  it,
  onWindows,
  "the daemon is tried on Unix sockets",
)("tells a turn on that ran while the session was loaded, without a word twice", async () => {
  const first = new Editor({ dataDir, args: ["--attach", "--start"] });
  const { sessionId, cwd } = await first.open();
  const end = makeFolder();
  const wait = `until [ -e ${end}/end ]; do sleep 0.05; done`;
  await first.agent.request("session/set_mode", { sessionId, modeId: "allow" });
  const script = `@say begun\n@tool bash ${JSON.stringify({ command: wait })}\n@say and ended`;
  void first.prompt(sessionId, script).catch(() => {});
  await first.until(() => (first.said(sessionId) === "begun" ? true : undefined));
  await first.kill();
  const second = new Editor({ dataDir, args: ["--attach"] });
  await second.greet();
  await second.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  expect(second.said(sessionId)).toBe("begun");
  const count = second.frames.length;
  writeFileSync(join(end, "end"), "");
  // The turn ends while no prompt is open: nothing may be told of it until the next one.
  await whenIdle(second, sessionId);
  expect(second.frames.slice(count).filter(({ method }) => method !== undefined)).toEqual([]);
  await second.prompt(sessionId, "@say next");
  expect(second.said(sessionId)).toBe("begunand endednext");
  const users = second
    .updates(sessionId)
    .filter(({ sessionUpdate }) => sessionUpdate === "user_message_chunk");
  expect(users).toHaveLength(1);
});

/** Resolves once the session's turn has ended, and its completion waits. */
async function whenIdle(editor: Editor, sessionId: string): Promise<void> {
  for (;;) {
    const answer = await editor.agent.request("_turnwire/pending_completions", { sessionId });
    if ((answer as { completions: unknown[] }).completions.length > 0) return;
  }
}
