// What a repository's own configuration names does not run by an allowed `git` in a workspace that is
// not trusted; in a trusted one it does, which shows that the traps are real.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** Every trap leaves a mark of its name when it runs. */
const traps: Readonly<Record<string, string>> = {
  fsmonitor: "core.fsmonitor",
  ssh: "core.sshCommand",
  gpg: "gpg.program",
  sequence: "sequence.editor",
  askpass: "core.askPass",
  credential: "credential.helper",
  proxy: "core.gitProxy",
  external: "diff.external",
  textconv: "diff.evil.textconv",
  clean: "filter.evil.clean",
  driver: "diff.evil.command",
  pager: "core.pager",
};

function trapped(): { path: string; marks: () => string[] } {
  const path = makeFolder();
  const away = makeFolder();
  const git = (...args: string[]) =>
    execFileSync("git", args, { cwd: path, stdio: ["ignore", "ignore", "pipe"] });
  git("init", "-q");
  git("config", "user.name", "a");
  git("config", "user.email", "a@b");
  writeFileSync(join(path, "a.txt"), "a\n");
  writeFileSync(join(path, ".gitattributes"), "*.txt filter=evil diff=evil\n");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  writeFileSync(join(path, "a.txt"), "b\n");
  const marks = join(away, "marks");
  mkdirSync(marks);
  const trap = (name: string) => {
    const file = join(away, name);
    writeFileSync(file, `#!/bin/sh\n: > '${join(marks, name)}'\nexit 0\n`);
    chmodSync(file, 0o755);
    return file;
  };
  for (const [name, key] of Object.entries(traps)) git("config", key, trap(name));
  git("config", "alias.own", `!${trap("alias")}`);
  git("config", "protocol.ext.allow", "always");
  git("config", "commit.gpgsign", "true");
  const hooks = join(path, ".git", "hooks");
  rmSync(hooks, { recursive: true, force: true });
  mkdirSync(hooks);
  for (const name of ["post-index-change", "pre-commit", "reference-transaction"]) {
    writeFileSync(join(hooks, name), `#!/bin/sh\n: > '${join(marks, "hook")}'\nexit 0\n`);
    chmodSync(join(hooks, name), 0o755);
  }
  return { path, marks: () => readdirSync(marks) };
}

const commands = [
  "git status",
  "git diff",
  "git log -p",
  "git own",
  "git commit --allow-empty -m second",
  "git fetch ssh://localhost:9/x",
  "git fetch git://localhost:9/x",
  "printf 'protocol=https\\nhost=h\\n\\n' | git credential fill",
  "git add a.txt",
];

const toolCall = (command: string) =>
  `@tool bash ${JSON.stringify({ command, timeoutMs: 10_000 })}`;
const run = (session: WireSession) =>
  session.run([...commands.map(toolCall), "@say done"].join("\n"), "r-1");

describe("git in a workspace", () => {
  it("that is not trusted runs nothing that the repository's configuration names", async () => {
    const { path, marks } = trapped();
    const session = await openSession(startServer(), { path, permissionMode: "allow" });
    expect(await run(session)).toMatchObject({ status: "succeeded" });
    expect(marks()).toEqual([]);
    // It is not that git does not work.
    expect(JSON.stringify(await session.messages())).toMatch(/modified: +a\.txt/);
  });

  it("runs nothing that an earlier call of the same turn has named", async () => {
    const path = makeFolder();
    execFileSync("git", ["init", "-q"], { cwd: path });
    const mark = join(makeFolder(), "mark");
    const session = await openSession(startServer(), { path, permissionMode: "allow" });
    const name = toolCall(`git config alias.own '!touch ${mark}'`);
    const asked = ["git status", "git own"].map(toolCall);
    await session.run([asked[0], name, asked[1], "@say done"].join("\n"), "r-1");
    expect(existsSync(mark)).toBe(false);
    expect(JSON.stringify(await session.messages())).toContain("No commits yet");
  });

  it("that is trusted runs it", async () => {
    const { path, marks } = trapped();
    const session = await openSession(startServer(), {
      path,
      permissionMode: "allow",
      trusted: true,
    });
    await run(session);
    expect(marks()).toEqual(expect.arrayContaining(["fsmonitor", "hook", "alias", "ssh", "clean"]));
  });

  it("keeps what the user's own configuration says of the same", async () => {
    const { path, marks } = trapped();
    const home = makeFolder();
    writeFileSync(
      join(home, ".gitconfig"),
      "[core]\n\tsshCommand = ssh -p 2\n[alias]\n\town = status --short\n",
    );
    const env = {
      HOME: home,
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "a.b",
      GIT_CONFIG_VALUE_0: "c",
    };
    const session = await openSession(startServer(), { path, permissionMode: "allow", env });
    const command = "git config core.sshCommand; git own; git config a.b";
    await session.run(`${toolCall(command)}\n@say done`, "r-1");
    const told = JSON.stringify(await session.messages());
    expect(told).toContain("ssh -p 2");
    expect(told).toContain(" M a.txt");
    expect(marks()).toEqual([]);
  });
});
