// docs/cli.md: what `turnwire attach` shows when somebody stops the daemon with `turnwire daemon stop`.
import { afterAll, expect, it } from "vitest";
import { type DaemonChild, endDaemons, runProgram, startDaemon } from "../helpers/daemonChild.js";
import { fileGate } from "../helpers/fileGate.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(async () => {
  await endDaemons();
  await endServers();
});

/** A daemon, the commands of its data directory, and an `attach` that has shown the run's first words. */
async function shown(begin: (daemon: DaemonChild) => Promise<string>) {
  const daemon = await startDaemon();
  const command = (...args: string[]) => runProgram([...args, "--data-dir", daemon.dataDir]);
  const runId = await begin(daemon);
  const { told } = await new Promise<{ told: ReturnType<typeof runProgram> }>((resolve) => {
    const args = ["attach", runId, "--data-dir", daemon.dataDir];
    const told = runProgram(args, {}, undefined, (soFar) => {
      if (soFar.includes("First.")) resolve({ told });
    });
  });
  return { daemon, command, runId, told };
}

it("ends with 1 and says what to do, and the next daemon goes on with the run", async () => {
  const gate = fileGate();
  const { daemon, command, runId, told } = await shown(async ({ dataDir }) => {
    const prompt = `@say First.\n${gate.step}\n@say To its end.`;
    const flags = ["--permission-mode", "allow", "--data-dir", dataDir];
    return (await runProgram(["run", "--detach", ...flags, prompt])).stdout.trim();
  });
  expect((await command("daemon", "stop")).code).toBe(0);
  expect((await daemon.exit).code).toBe(0);
  expect(await told).toEqual({
    code: 1,
    stdout: "First.\n",
    stderr:
      "turnwire attach: the daemon was stopped or lost before the run ended; a run of `turnwire run --detach` goes on with the next `turnwire daemon start`, and `turnwire attach` shows it again\n",
  });
  expect(await command("attach", runId)).toMatchObject({
    code: 69,
    stderr: expect.stringContaining("start one with `turnwire daemon start`"),
  });
  // What it says to do is enough.
  gate.open();
  expect((await command("daemon", "start")).code).toBe(0);
  expect(await command("attach", runId)).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^(First\.\s+)?To its end\.\n$/),
    stderr: "",
  });
  expect((await command("daemon", "stop")).code).toBe(0);
});

it("shows the end of a run that ends with its daemon, with the code that it has later too", async () => {
  const { daemon, command, runId, told } = await shown(async (serving) => {
    const editor = serving.client();
    await editor.call("initialize", { clientId: "editor" });
    const session = await openSession(editor);
    await session.send("@say First.\n@wait 60000", "editors");
    return "editors";
  });
  expect((await command("daemon", "stop")).code).toBe(0);
  expect((await daemon.exit).code).toBe(0);
  const cancelled = {
    code: 130,
    stdout: "First.\n",
    stderr: "turnwire attach: the run was cancelled, because its server was stopped\n",
  };
  expect(await told).toEqual(cancelled);
  expect((await command("daemon", "start")).code).toBe(0);
  expect(await command("attach", runId)).toEqual(cancelled);
  expect((await command("daemon", "stop")).code).toBe(0);
});
