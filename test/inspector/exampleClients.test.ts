// The inspector beside real exchanges: the example clients get the same answers through it, and what they
// and the server say is valid, acknowledged, and shown as a run.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "../examples/sandbox.js";
import { onWindows, unless } from "../helpers/unless.js";
import { expectWhole, inspected } from "./wholeExchange.js";

const run = promisify(execFile);
const clients = fileURLToPath(new URL("../../examples/clients", import.meta.url));

function isMissing(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

describe("through the inspector", () => {
  let sandbox: Sandbox;
  let command: string[];
  beforeEach(() => {
    sandbox = createSandbox();
    command = inspected(sandbox);
  });
  afterEach(() => sandbox.remove());

  it("the library for Node", async () => {
    const told = await sandbox.runCode(`
      import { TurnwireClient } from "turnwire/client";
      const [file, ...args] = ${JSON.stringify(command)};
      const client = await TurnwireClient.spawn({ clientId: "node", command: file, args });
      const { id: workspaceId } = await client.api.createWorkspace({ path: ".", initAgent: true });
      const { id: sessionId } = await client.api.createSession({ workspaceId });
      const { text } = await client.run({ workspaceId, sessionId, prompt: "@say It runs." });
      await client.close();
      console.log(text);`);
    expect(told).toBe("It runs.\n");
    expectWhole(sandbox);
  });

  unless(
    it,
    isMissing("python3", "-c", "import sys; sys.exit(sys.version_info < (3, 9))"),
    "there is no Python 3.9 here",
  )("the client in Python", async () => {
    const code = `
from turnwire import Client
with Client(client_id="py", command=${JSON.stringify(command)}, on_permission=lambda q: "allow") as client:
    workspace = client.request("createWorkspace", {"path": ".", "initAgent": True})["id"]
    session = client.request("createSession", {"workspaceId": workspace})["id"]
    prompt = '@tool bash {"command": "echo hi"}\\n@say It runs.'
    print(client.run(workspace, session, prompt)["text"])
`;
    const env = { ...sandbox.env, PYTHONPATH: join(clients, "python/src") };
    const { stdout } = await run("python3", ["-c", code], { cwd: sandbox.folder, env });
    expect(stdout).toBe("It runs.\n");
    expectWhole(sandbox);
  });

  unless(
    it,
    onWindows || isMissing("jq", "--version"),
    "there is no bash with jq here",
  )("the client in bash", async () => {
    const env = { ...sandbox.env, TURNWIRE: command.join(" "), TURNWIRE_CLIENT_ID: "sh" };
    const script = join(clients, "bash/turnwire.sh");
    const { stdout } = await run("bash", [script, "@say It runs."], { cwd: sandbox.folder, env });
    expect(stdout).toContain("It runs.");
    expectWhole(sandbox);
  });

  unless(
    it,
    isMissing("go", "version"),
    "there is no Go here",
  )("the client in Go", async () => {
    const cache = join(sandbox.folder, "go-cache");
    mkdirSync(cache);
    const flags = { GOCACHE: cache, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local" };
    const env = { ...sandbox.env, ...flags, TURNWIRE: command.join(" ") };
    const args = ["run", "./cmd/turnwire-run", "@say It runs.", sandbox.folder];
    const { stdout } = await run("go", args, { cwd: join(clients, "go"), env });
    expect(stdout).toBe("It runs.\n");
    expectWhole(sandbox);
  });
});
