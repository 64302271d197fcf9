// docs/cli.md: runs that are left to the daemon, and what becomes of them.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DaemonChild, endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { fileGate } from "../helpers/fileGate.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let daemon: DaemonChild;
beforeAll(async () => {
  daemon = await startDaemon();
});
afterAll(async () => {
  await endDaemons();
  await endServers();
});

const turnwire = (...args: string[]) => runProgram([...args, "--data-dir", daemon.dataDir]);

const attach = (runId: string, onStdout: (soFar: string) => void) =>
  runProgram(["attach", runId, "--data-dir", daemon.dataDir], {}, undefined, onStdout);

async function detach(prompt: string, ...flags: string[]): Promise<string> {
  const cwd = makeFolder();
  const { code, stdout, stderr } = await turnwire(
    "run",
    "--detach",
    "--cwd",
    cwd,
    ...flags,
    prompt,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

describe("run --detach", () => {
  it("prints the run's id at once, and attach shows all of it with the run's exit code", async () => {
    const gate = fileGate();
    const runId = await detach(`@say One.\n${gate.step}\n@say Two.`, "--permission-mode", "allow");
    const listed = JSON.parse((await turnwire("runs", "--json")).stdout).runs[0];
    expect(listed).toMatchObject({ runId, state: expect.stringMatching(/accepted|running/) });
    const attached = await attach(runId, (soFar) => {
      if (soFar.includes("One.")) gate.open();
    });
    expect(attached.code).toBe(0);
    expect(attached.stdout).toMatch(/^One\.\s+Two\.\n$/);
    expect((await turnwire("runs")).stdout).toContain(`${runId}  completed`);
    // It was acknowledged: the next run of the session has missed nothing.
    const session = ["--session", String(listed.sessionId), "--cwd", String(listed.workspacePath)];
    const next = await turnwire("run", ...session, "@say Three.");
    expect(next).toMatchObject({ code: 0, stdout: "Three.\n" });
    const again = await turnwire("attach", "--json", runId);
    expect(JSON.parse(again.stdout)).toMatchObject({ runId, status: "succeeded" });
  });

  it("leaves the completion to the next run of the session, if nobody attaches", async () => {
    const { stdout } = await turnwire("run", "--detach", "--output", "json", "@say Unseen.");
    const { runId, sessionId } = JSON.parse(stdout);
    while (!(await turnwire("runs")).stdout.includes(`${runId}  completed`));
    const listed = JSON.parse((await turnwire("runs", "--json")).stdout).runs[0];
    const next = await turnwire(
      ...["run", "--quiet", "--session", sessionId, "--cwd", listed.workspacePath, "@say Seen."],
    );
    expect(next.stdout).toBe("Unseen.\nSeen.\n");
  });

  it("asks nobody: what would have to be asked is denied, and a mode allows it", async () => {
    const bash = `@tool bash ${JSON.stringify({ command: "echo hi > made.txt", description: "x" })}`;
    expect((await turnwire("attach", await detach(bash))).code).toBe(3);
    const runId = await detach(bash, "--permission-mode", "allow");
    expect((await turnwire("attach", runId)).code).toBe(0);
    const { workspacePath } = JSON.parse((await turnwire("runs", "--json")).stdout).runs[0];
    expect(readFileSync(join(workspacePath, "made.txt"), "utf8")).toBe("hi\n");
  });

  it("refuses what a daemon cannot do for one run, and a session that is not there", async () => {
    for (const flag of [
      ["--config", "limits.maxSteps=1"],
      ["--timeout", "3"],
      ["-o", "out"],
    ]) {
      expect((await turnwire("run", "--detach", ...flag, "@say No.")).code).toBe(2);
    }
    const { code, stderr } = await turnwire("run", "--detach", "--session", "nobody", "@say No.");
    expect(code).toBe(1);
    expect(stderr).toContain("nobody");
  });
});

describe("a daemon that is killed while a run is shown", () => {
  it("ends attach with 1 and says so, and the next daemon goes on with the run", async () => {
    const dataDir = makeFolder();
    const command = (...args: string[]) => runProgram([...args, "--data-dir", dataDir]);
    const serving = await startDaemon({ dataDir });
    const cwd = makeFolder();
    const call = { command: "echo x >> begun; sleep 60", description: "x" };
    const script = `@say Before.\n@tool bash ${JSON.stringify(call)}\n@say After.`;
    const flags = ["--cwd", cwd, "--permission-mode", "allow"];
    const runId = (await command("run", "--detach", ...flags, script)).stdout.trim();
    const attached = command("attach", runId);
    const begun = join(cwd, "begun");
    while (!existsSync(begun)) await pause(20);
    const clients = async () =>
      JSON.parse((await command("daemon", "status", "--json")).stdout).connections;
    while ((await clients()) < 2);
    await serving.kill();
    expect(await attached).toEqual({
      code: 1,
      stdout: "Before.\n",
      stderr: expect.stringMatching(
        /^turnwire attach: the daemon was stopped or lost .*`turnwire daemon start`.*\n$/,
      ),
    });
    await startDaemon({ dataDir });
    const again = await command("attach", runId);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toMatch(/After\.\n$/);
    // The command whose effect nobody knows was not run again.
    expect(readFileSync(begun, "utf8")).toBe("x\n");
  });
});

describe("attach and cancel", () => {
  it("show a run of an editor, whose completion stays the editor's", async () => {
    const editor = daemon.client();
    await editor.call("initialize", { clientId: "editor" });
    const session = await openSession(editor);
    await session.send("@say Before.\n@wait 1000\n@say After.", "editors");
    const { code, stdout } = await turnwire("attach", "editors");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Before\.\s+After\.\n$/);
    expect(await editor.completion("editors")).toMatchObject({ status: "succeeded" });
    const { completions } = await editor.call("listPendingCompletions", {});
    expect(completions.map(({ runId }) => runId)).toEqual(["editors"]);
  });

  it("stop a run, whose attached end has its code", async () => {
    const runId = await detach("@wait 60000");
    const attached = turnwire("attach", runId);
    while (!(await turnwire("runs")).stdout.includes(`${runId}  running`));
    expect(await turnwire("cancel", runId)).toMatchObject({ code: 0, stdout: "the run stops\n" });
    expect((await attached).code).toBe(130);
    const { code, stdout } = await turnwire("cancel", runId);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "the run has ended already\n" });
  });

  it("say that there is no such run, and no daemon", async () => {
    for (const command of ["attach", "cancel"]) {
      expect(await turnwire(command, "nothing")).toMatchObject({ code: 1, stdout: "" });
      const none = await runProgram([command, "nothing", "--data-dir", makeFolder()]);
      expect(none).toMatchObject({ code: 69, stdout: "" });
    }
    const runs = await runProgram(["runs", "--data-dir", makeFolder()]);
    expect(runs).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});
