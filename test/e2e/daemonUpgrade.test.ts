// protocol.md section 2, The daemon: the package is updated while a daemon of the version before serves.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { fileGate } from "../helpers/fileGate.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

const homes: string[] = [];
afterAll(async () => {
  await endDaemons();
  await endServers();
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

/** This build under another version; its packages are found from where it lies. */
function buildOfVersion(version: string): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const cache = join(root, "node_modules", ".cache", "turnwire");
  mkdirSync(cache, { recursive: true });
  const home = mkdtempSync(join(cache, "version-"));
  homes.push(home);
  cpSync(join(root, process.env.TURNWIRE_DIST ?? "dist"), join(home, "dist"), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  writeFileSync(join(home, "package.json"), JSON.stringify({ ...manifest, version }));
  return join(home, "dist", "main.js");
}

it("`daemon start` of another version takes the place of one that has a run to end", async () => {
  const old = await startDaemon({ main: buildOfVersion("0.0.1") });
  const inDirectory = ["--data-dir", old.dataDir];
  const editor = old.client();
  await editor.call("initialize", { clientId: "editor" });
  const session = await openSession(editor);
  const gate = fileGate();
  await session.send(`${gate.step}\n@say To its end.`, "begun");
  await expect
    .poll(async () => (await editor.call("getRun", { ...session.ids, runId: "begun" })).state)
    .toBe("running");

  const [start, again] = await Promise.all([
    runProgram(["daemon", "start", ...inDirectory]),
    // A window that opens meanwhile: whichever daemon it comes to, it comes to one.
    runProgram(["daemon", "start", ...inDirectory]),
  ]);
  expect([start.code, again.code], start.stderr + again.stderr).toEqual([0, 0]);
  expect(start.stdout + again.stdout).toContain(
    "the daemon of version 0.0.1 makes room; its open runs end in it",
  );

  const status = await runProgram(["daemon", "status", "--json", ...inDirectory]);
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const told = JSON.parse(status.stdout);
  expect(told).toMatchObject({ isRunning: true, version });
  expect(told.pid).not.toBe(old.pid);

  // The run ends in the version that began it, and its client is told there.
  expect(old.child.exitCode).toBeNull();
  gate.open();
  expect(await editor.completion("begun")).toMatchObject({
    status: "succeeded",
    text: "To its end.",
  });
  expect((await old.exit).code).toBe(0);

  // What came before and after is the new one's now.
  const next = old.client();
  await next.call("initialize", { clientId: "editor" });
  expect((await next.call("daemonStatus", {})).version).toBe(version);
  expect(existsSync(old.socket)).toBe(true);
  expect((await runProgram(["daemon", "stop", ...inDirectory])).code).toBe(0);
});

it("`attach` shows a run to its end while its daemon makes room, whichever daemon it comes to", async () => {
  const old = await startDaemon({ main: buildOfVersion("0.0.1") });
  const command = (...args: string[]) => runProgram([...args, "--data-dir", old.dataDir]);
  const gate = fileGate();
  const prompt = `@say First.\n${gate.step}\n@say To its end.`;
  const flags = ["--permission-mode", "allow"];
  const runId = (await command("run", "--detach", ...flags, prompt)).stdout.trim();
  const before = await new Promise<{ told: ReturnType<typeof runProgram> }>((resolve) => {
    const args = ["attach", runId, "--data-dir", old.dataDir];
    const told = runProgram(args, {}, undefined, (soFar) => {
      if (soFar.includes("First.")) resolve({ told });
    });
  });
  expect((await command("daemon", "start")).code).toBe(0);
  expect(old.child.exitCode).toBeNull();
  const after = command("attach", runId);
  gate.open();
  const told = await before.told;
  expect(told, told.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^First\.\s+To its end\.\n$/),
  });
  // The new daemon has the end alone.
  expect(await after).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^(First\.\s+)?To its end\.\n$/),
  });
  expect((await old.exit).code).toBe(0);
  expect((await command("daemon", "stop")).code).toBe(0);
});

it("a daemon that makes room takes over no run that loses its server meanwhile", async () => {
  const old = await startDaemon();
  const path = makeFolder();
  const editor = old.client();
  await editor.call("initialize", { clientId: "editor" });
  const session = await openSession(editor, { path });
  const gate = fileGate();
  // Behind the loss there is time to see it.
  await session.send(`${gate.step}\n@wait 3000\n@say To its end.`, "begun");
  const dying = startServer({ dataDir: old.dataDir });
  await dying.call("initialize", { clientId: "other" });
  const { ids } = await openSession(dying, { path });
  const options = { onServerLoss: "continue" } as const;
  await dying.call("sendMessage", { ...ids, runId: "lost", prompt: "@wait 60000", options });
  await editor.call("stopDaemon", { drain: true });
  dying.child.kill("SIGKILL");
  await dying.exit;
  gate.open();
  expect(await editor.completion("begun")).toMatchObject({ status: "succeeded" });
  expect((await old.exit).code).toBe(0);
  const next = startServer({ dataDir: old.dataDir });
  await next.call("initialize", { clientId: "other" });
  await openSession(next, { path });
  await next.call("cancelRun", { workspaceId: ids.workspaceId, runId: "lost" });
  expect(await next.completion("lost")).toMatchObject({ status: "cancelled" });
});
