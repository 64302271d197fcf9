// protocol.md section 7: what is confined can do no harm outside the workspace, and asks for nothing.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { configured, hasSandbox, key, makeOutside, openSandbox } from "../helpers/sandboxes.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { unless } from "../helpers/unless.js";

afterAll(endServers);

const writing = { sandbox: "workspace-write" };
const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
    cwd,
    encoding: "utf8",
  });

unless(
  describe,
  !hasSandbox(),
  "this needs bubblewrap and what it is allowed",
)("a sandbox", () => {
  it("lets a command write the workspace without a question, and is told", async () => {
    const { session, path, run } = await openSandbox({ permissions: writing });
    expect(await run("echo in >made; cat made; pwd")).toBe(`in\n${path}`);
    const { sandbox } = await session.server.call("getAgentInfo", session.ids);
    expect(sandbox).toEqual({ requested: "workspace-write", enforced: true });
    expect(readFileSync(join(path, "made"), "utf8")).toBe("in\n");
  });

  it("keeps the folder that a command moved to, and /tmp, within the session", async () => {
    const { path, run } = await openSandbox({ permissions: writing });
    expect(await run("mkdir deep; cd deep; echo kept >/tmp/note")).toBe("(no output)");
    expect(await run("pwd; cat /tmp/note")).toBe(`${join(path, "deep")}\nkept`);
    expect(existsSync(join(tmpdir(), "note"))).toBe(false);
  });

  it("keeps everything outside from being written, through links as well", async () => {
    const outside = makeOutside();
    writeFileSync(join(outside, "file"), "old");
    const home = makeOutside();
    const { path, run } = await openSandbox({ permissions: writing, env: { HOME: home } });
    symlinkSync(outside, join(path, "link"));
    const output = await run(
      "echo new >link/file; echo new >~/file; touch /usr/x /etc/x; echo core >/proc/sys/kernel/core_pattern; true",
    );
    expect(output).toContain("core_pattern");
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("old");
    expect(readdirSync(home)).not.toContain("file");
    expect(existsSync("/usr/x") || existsSync("/etc/x")).toBe(false);
  });

  it("hides the server's environment, its processes, its files and its configuration", async () => {
    const configFile = join(makeOutside(), "config.json");
    const dataDir = join(makeOutside(), "data");
    const { run } = await openSandbox({ permissions: writing, configFile, dataDir });
    const output = await run(
      `cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls /proc | grep -c '^[0-9]'; ls -A ${dataDir}; cat ${configFile}; env; true`,
    );
    expect(output).not.toContain(key);
    expect(output).not.toContain("turnwire.db");
    expect(output).not.toContain("workspace-write");
  });

  it("keeps a repository's settings and hooks, and lets it be committed to", async () => {
    const { path, run } = await openSandbox({
      permissions: writing,
      prepare: (folder) => git(folder, "init", "-q"),
    });
    const config = readFileSync(join(path, ".git/config"), "utf8");
    const output = await run(
      [
        "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m made; git log --format=%s",
        "git config core.fsmonitor 'touch /tmp/x' || echo no-config",
        "echo x >.git/hooks/pre-commit || echo no-hook",
        "mv .git other 2>/dev/null || echo no-move",
        "rm -rf .git/hooks .git/config 2>/dev/null || echo no-remove",
        "echo elsewhere >.git/commondir",
      ].join("\n"),
    );
    for (const word of ["made", "no-config", "no-hook", "no-move", "no-remove"]) {
      expect(output).toContain(word);
    }
    expect(output).toContain(".git/commondir was removed");
    expect(readFileSync(join(path, ".git/config"), "utf8")).toBe(config);
    expect(existsSync(join(path, ".git/hooks/pre-commit"))).toBe(false);
    expect(git(path, "log", "--format=%s")).toBe("made\n");
  });

  it("keeps what is not there from coming to be, and leaves nothing behind", async () => {
    const { path, run } = await openSandbox({ permissions: writing });
    const output = await run(
      [
        "git init -q 2>/dev/null || echo no-init",
        'echo \'{"permissions":{"sandbox":"off"}}\' >turnwire.json || echo no-file',
        "rmdir turnwire.json 2>/dev/null || echo no-rmdir",
        "mv turnwire.json away 2>/dev/null || echo no-move",
      ].join("\n"),
    );
    expect(output.match(/no-\w+/g)).toEqual(["no-init", "no-file", "no-rmdir", "no-move"]);
    expect(readdirSync(path)).toEqual([]);
  });

  it("keeps the file by which a worktree names its repository", async () => {
    const repository = makeOutside();
    git(repository, "init", "-q");
    git(repository, "commit", "-q", "--allow-empty", "-m", "first");
    const path = join(makeFolder(), "tree");
    git(repository, "worktree", "add", "-q", path);
    const named = readFileSync(join(path, ".git"), "utf8");
    const { run } = await openSandbox({ permissions: writing, path });
    const output = await run(
      `echo 'gitdir: evil' >.git; rm -f .git; mv .git x; echo x >${repository}/.git/hooks/post-checkout; git status --short; true`,
    );
    expect(output).not.toBe("");
    expect(readFileSync(join(path, ".git"), "utf8")).toBe(named);
    expect(existsSync(join(repository, ".git/hooks/post-checkout"))).toBe(false);
  });

  it("refuses where a link stands for what it has to keep", async () => {
    const elsewhere = makeFolder();
    git(elsewhere, "init", "-q");
    const path = makeFolder();
    symlinkSync(join(elsewhere, ".git"), join(path, ".git"));
    const server = startServer({ env: configured({ permissions: writing }) });
    const error = await server.fail("createWorkspace", { path, initAgent: true });
    expect(error.data.name).toBe("SandboxUnavailable");
    expect(error.message).toContain("symbolic link");
  });

  it("with a home as workspace keeps what a login runs, and the configuration", async () => {
    const home = makeFolder();
    writeFileSync(join(home, ".bashrc"), "old");
    const folder = join(home, ".config", "turnwire");
    mkdirSync(folder, { recursive: true });
    const configFile = join(folder, "config.json");
    const dataDir = join(home, ".local", "state", "turnwire");
    mkdirSync(dataDir, { recursive: true });
    const { path, run } = await openSandbox({
      permissions: writing,
      path: home,
      configFile,
      dataDir,
      env: { HOME: home },
    });
    expect(path).toBe(home);
    const before = readFileSync(configFile, "utf8");
    const output = await run(
      [
        "echo evil >.bashrc || echo no-rc",
        "echo '{}' >.config/turnwire/config.json || echo no-config",
        "mv .config other 2>/dev/null || echo no-move",
        "mv .local other 2>/dev/null || echo no-data",
        "ls -A .local/state/turnwire",
        "echo fine >.config/other-program",
      ].join("\n"),
    );
    expect(output.match(/no-\w+/g)).toEqual(["no-rc", "no-config", "no-move", "no-data"]);
    expect(output).not.toContain("turnwire.db");
    expect(readFileSync(configFile, "utf8")).toBe(before);
    expect(readFileSync(join(home, ".bashrc"), "utf8")).toBe("old");
    expect(readFileSync(join(home, ".config/other-program"), "utf8")).toBe("fine\n");
  });

  it("reaches no network and no socket of the session, by path or by name", async () => {
    const folder = makeOutside();
    const byPath = await listening(join(folder, "agent.sock"));
    const byName = await listening(`\0turnwire-test-${process.pid}`);
    const port = await listeningPort();
    const { path, run } = await openSandbox({
      permissions: writing,
      env: { SSH_AUTH_SOCK: byPath, XDG_RUNTIME_DIR: folder },
    });
    writeFileSync(join(path, "connect.cjs"), connectScript);
    const names = JSON.stringify([{ path: byPath }, { path: byName }, { port }]);
    const node = process.execPath;
    expect(await run(`'${node}' connect.cjs '${names}'; echo "[$SSH_AUTH_SOCK$DISPLAY]"`)).toBe(
      "no\nno\nno\n[]",
    );
    expect(await run(`'${node}' connect.cjs '${names}'`, { unsandboxed: true })).toContain(
      "Permission is denied",
    );
  });

  it("reaches the network where that is allowed, and no socket by its path", async () => {
    const byPath = await listening(join(makeOutside(), "agent.sock"));
    const port = await listeningPort();
    const { path, run } = await openSandbox({ permissions: { ...writing, network: "allow" } });
    writeFileSync(join(path, "connect.cjs"), connectScript);
    const names = JSON.stringify([{ path: byPath }, { port }]);
    expect(await run(`'${process.execPath}' connect.cjs '${names}'`)).toBe("no\nyes");
  });

  it("ends all that a command began, however it hid", async () => {
    const { run } = await openSandbox({ permissions: writing });
    const mark = uniqueSeconds();
    await run(
      `(env -i setsid sh -c 'ulimit -x 7; exec sleep ${mark}' >/dev/null 2>&1 &); echo ran`,
    );
    expect(processesWith(mark)).toEqual([]);
  });

  it("lets a cancelled command tidy up before it is ended", async () => {
    const { session, path } = await openSandbox({ permissions: writing });
    const command =
      "trap 'echo tidied >tidied; exit' TERM; echo begun; while :; do sleep 0.05; done";
    await session.send(`@tool bash ${JSON.stringify({ command })}`, "r-1");
    await session.server.event("messageDelta", { kind: "toolOutput" });
    await session.cancel();
    await session.server.completion("r-1");
    expect(readFileSync(join(path, "tidied"), "utf8")).toBe("tidied\n");
  });

  it("holds for jobs, and for the programs of tool servers", async () => {
    const outside = makeOutside();
    const path = makeFolder();
    writeFileSync(join(path, "server.cjs"), toolServerScript);
    const { run, session } = await openSandbox({
      permissions: { ...writing, allow: ["mcp__own__probe"] },
      path,
      config: {
        mcpServers: {
          own: { command: process.execPath, args: [join(path, "server.cjs"), outside] },
        },
      },
    });
    await run(`touch ${outside}/job; touch job; sleep 0.1`, { background: true });
    await session.run('@tool jobOutput {"jobId":"job1","waitMs":20000}', "j-1");
    await session.run("@tool mcp__own__probe {}", "j-2");
    const outputs = JSON.stringify(await session.messages());
    expect(outputs).toContain("probed EROFS");
    expect(readdirSync(path)).toContain("job");
    expect(readdirSync(outside)).toEqual([]);
  });
});

/** Says for each address whether a connection to it comes about. */
const connectScript = `
  const net = require("node:net");
  const [, , list] = process.argv;
  (async () => {
    for (const address of JSON.parse(list)) {
      await new Promise((resolve) => {
        const socket = net.connect(address, () => { console.log("yes"); socket.destroy(); resolve(); });
        socket.on("error", () => { console.log("no"); resolve(); });
      });
    }
  })();
`;

/** A tool server with one tool, which tries to write into the folder that it is given. */
const toolServerScript = `
  const fs = require("node:fs");
  const answers = {
    initialize: () => ({
      protocolVersion: "2025-06-18", capabilities: { tools: {} }, serverInfo: { name: "own", version: "1" },
    }),
    "tools/list": () => ({ tools: [{ name: "probe", inputSchema: { type: "object" } }] }),
    "tools/call": () => {
      let text = "probed";
      try { fs.writeFileSync(process.argv[2] + "/tool", "x"); } catch (error) { text += " " + error.code; }
      return { content: [{ type: "text", text }] };
    },
  };
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { id, method } = JSON.parse(line);
    if (id === undefined) return;
    console.log(JSON.stringify({ jsonrpc: "2.0", id, result: (answers[method] ?? (() => ({})))() }));
  });
`;

function listening(path: string): Promise<string> {
  const server = createServer((socket) => socket.end());
  onTestFinished(() => void server.close());
  return new Promise((resolve) => server.listen(path, () => resolve(path)));
}

function listeningPort(): Promise<number> {
  const server = createServer((socket) => socket.end());
  onTestFinished(() => void server.close());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
