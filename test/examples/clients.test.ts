// The clients in other languages: each as its README says, and through the death of a server.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { onWindows, unless } from "../helpers/unless.js";
import { createSandbox, type Sandbox } from "./sandbox.js";

const run = promisify(execFile);
const clients = fileURLToPath(new URL("../../examples/clients", import.meta.url));
const launcher = fileURLToPath(new URL("../../bin/turnwire.js", import.meta.url));
const command = `${process.execPath} ${launcher} serve`;

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = createSandbox();
});

afterEach(() => sandbox.remove());

function isMissing(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}

/** Runs a program in the sandbox, and gives its output and its exit code. */
async function play(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = sandbox.folder,
) {
  const options = { cwd, env: { ...sandbox.env, ...env }, timeout: 120_000 };
  try {
    const { stdout } = await run(file, args, options);
    return { stdout, code: 0 };
  } catch (error) {
    const failed = error as { stdout?: string; code?: unknown };
    return { stdout: failed.stdout ?? "", code: failed.code };
  }
}

/** A run that nobody takes: its client is killed before it ends. */
async function loseOne(clientId: string): Promise<void> {
  const lost = `
    import { TurnwireClient } from "turnwire/client";
    const client = await TurnwireClient.spawn({ clientId: ${JSON.stringify(clientId)} });
    const { id: workspaceId } = await client.api.createWorkspace({ path: ".", initAgent: true });
    const { id: sessionId } = await client.api.createSession({ workspaceId });
    const prompt = "@wait 60000";
    await client.api.sendMessage({ workspaceId, sessionId, prompt, runId: "lost-1" });
    await client.kill();`;
  await sandbox.runCode(lost);
}

const readme = (language: string) => readFileSync(join(clients, language, "README.md"), "utf8");

it.each(["python", "bash", "go", "vscode", "neovim", "emacs"])(
  "the README of %s is short",
  (language) => {
    expect(readme(language).split("\n").length).toBeLessThan(60);
  },
);

unless(
  describe,
  isMissing("python3", "-c", "import sys; sys.exit(sys.version_info < (3, 9))"),
  "there is no Python 3.9 here",
)("the client in Python", () => {
  const python = (code: string) => {
    const file = join(sandbox.folder, "program.py");
    writeFileSync(file, code);
    return play("python3", [file], { PYTHONPATH: join(clients, "python/src") });
  };

  it("does what its README says", async () => {
    const [, code = "", output] =
      /```python\n([\s\S]*?)```\n\n```text\n([\s\S]*?)```/.exec(readme("python")) ?? [];
    const named = `client_id="my-tool", command=${JSON.stringify(command.split(" "))}`;
    expect(await python(code.replace('client_id="my-tool"', named))).toEqual({
      stdout: output,
      code: 0,
    });
  });

  it("answers questions, and goes on when its server is killed", async () => {
    const told = await python(`
import threading
from turnwire import Client, RpcError

asked = []
def allow(question):
    asked.append(question["description"])
    return "allow"

with Client(client_id="py", command=${JSON.stringify(command.split(" "))}, on_permission=allow) as client:
    workspace = client.request("createWorkspace", {"path": ".", "initAgent": True})["id"]
    session = client.request("createSession", {"workspaceId": workspace})["id"]
    prompt = '@tool bash {"command": "echo hi > made.txt"}\\n@say done'
    print(client.run(workspace, session, prompt)["text"], asked)
    deltas = client.events()
    def kill_when_it_speaks():
        for event in deltas:
            if event["method"] == "messageDelta":
                client.kill()
                return
    threading.Thread(target=kill_when_it_speaks, daemon=True).start()
    ended = client.run(workspace, session, "@say I begin.\\n@wait 60000")
    print(ended["status"], ended["cause"])
    print(client.run(workspace, session, "@say on we go")["text"])
    try:
        client.request("getSession", {"workspaceId": workspace, "sessionId": "none"})
    except RpcError as error:
        print(error.name, error.code)
`);
    expect(told.stdout.split("\n")).toEqual([
      "done ['Run: echo hi > made.txt']",
      "interrupted crash",
      "on we go",
      "SessionNotFound 1006",
      "",
    ]);
  });

  it("gets what an earlier process missed, once", async () => {
    await loseOne("py");
    const missed = `
import time
from turnwire import Client
seen = []
with Client(client_id="py", command=${JSON.stringify(command.split(" "))}, on_completion=lambda c: seen.append(c["runId"])) as client:
    until = time.monotonic() + 5
    while not seen and time.monotonic() < until and client.request("ping") is not None:
        if client.request("listPendingCompletions")["completions"] == []:
            break
print(seen)
`;
    expect((await python(missed)).stdout).toBe("['lost-1']\n");
    expect((await python(missed)).stdout).toBe("[]\n");
  });
});

unless(
  describe,
  onWindows ||
    isMissing("bash", "-c", "(( BASH_VERSINFO[0] >= 4 ))") ||
    isMissing("jq", "--version"),
  "there is no Bash 4 with jq here",
)("the client in Bash", () => {
  const script = join(clients, "bash/turnwire.sh");

  it("prints the reply, and tells how the run ended", async () => {
    const env = { TURNWIRE: command };
    expect(await play(script, ["@say There are 42."], env)).toEqual({
      stdout: "There are 42.\n",
      code: 0,
    });
    expect((await play(script, ["@fail 401 no"], env)).code).toBe(1);
    expect((await play(script, ["@say x", "no-such-folder"], env)).code).toBe(1);
  });

  it("prints what an earlier call missed, once", async () => {
    await loseOne("sh");
    const env = { TURNWIRE: command, TURNWIRE_CLIENT_ID: "sh" };
    expect((await play(script, ["@say There are 42."], env)).stdout).toBe("\nThere are 42.\n");
    expect((await play(script, ["@say There are 42."], env)).stdout).toBe("There are 42.\n");
  });
});

unless(
  describe,
  isMissing("go", "version"),
  "there is no Go here",
)("the client in Go", () => {
  const go = (...args: string[]) => {
    const cache = join(sandbox.folder, "go-cache");
    mkdirSync(cache, { recursive: true });
    const env = { GOCACHE: cache, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", TURNWIRE: command };
    return play("go", ["run", "./cmd/turnwire-run", ...args], env, join(clients, "go"));
  };

  it("prints the reply, and first what an earlier process missed", async () => {
    await loseOne("turnwire-run");
    const { stdout, code } = await go("@say There are 42.", sandbox.folder);
    expect(code).toBe(0);
    expect(stdout.split("\n").sort()).toEqual([
      "",
      "There are 42.",
      "missed before: lost-1 interrupted",
    ]);
  });
});
