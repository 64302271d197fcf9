// A permission is about a folder and about now: what `./build.sh` means changes with `cd`, and rules
// change while a turn runs.
import { chmodSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const tool = (command: string) => `@tool bash ${JSON.stringify({ command })}`;

/** A workspace with a `build.sh` at its root and another one in `evil`; each leaves a mark. */
function folderWithScripts(config?: object): string {
  const path = makeFolder();
  mkdirSync(join(path, "evil"));
  for (const [folder, mark] of [
    ["", "built"],
    ["evil", "harmed"],
  ] as const) {
    const script = join(path, folder, "build.sh");
    writeFileSync(script, `#!/bin/sh\n: > '${join(path, mark)}'\n`);
    chmodSync(script, 0o755);
  }
  if (config !== undefined) writeFileSync(join(path, "turnwire.json"), JSON.stringify(config));
  return path;
}

/** Answers questions, and keeps them. */
function listen(server: ServerProcess, decide: (question: PermissionQuestion) => string) {
  const questions: PermissionQuestion[] = [];
  server.onPermission = (question) => {
    questions.push(question);
    return { result: { decision: decide(question) } };
  };
  return questions;
}

describe("a grant for the session", () => {
  it("holds in the folder that the question showed, and in no other", async () => {
    const path = folderWithScripts();
    const session = await openSession(startServer(), { path, permissionMode: "ask" });
    const questions = listen(session.server, ({ input }) =>
      JSON.stringify(input).includes("cd evil") || JSON.stringify(input).includes("build")
        ? "allowForSession"
        : "deny",
    );
    await session.run(`${tool("./build.sh")}\n${tool("./build.sh")}`, "r-1");
    expect(questions.map(({ cwd }) => cwd)).toEqual([realpathSync(path)]);
    session.server.onPermission = undefined;
    const later = listen(session.server, ({ input }) =>
      JSON.stringify(input).includes("cd evil") ? "allow" : "deny",
    );
    await session.run(`${tool("cd evil")}\n${tool("./build.sh")}`, "r-2");
    expect(later.map(({ cwd }) => cwd)).toEqual([
      realpathSync(path),
      realpathSync(join(path, "evil")),
    ]);
    expect([existsSync(join(path, "built")), existsSync(join(path, "harmed"))]).toEqual([
      true,
      false,
    ]);
  });
});

describe("a deny rule that is written while a turn runs", () => {
  const write = (path: string, deny: string[]) =>
    writeFileSync(join(path, "turnwire.json"), JSON.stringify({ permissions: { deny } }));

  it("holds from the next call on", async () => {
    const path = folderWithScripts();
    const session = await openSession(startServer(), { path, permissionMode: "allow" });
    const config = JSON.stringify({ permissions: { deny: ["bash:./build.sh*"] } });
    await session.run(
      `${tool("./build.sh; rm built")}\n${tool(`echo '${config}' > turnwire.json`)}\n${tool("./build.sh")}`,
      "r-1",
    );
    expect(existsSync(join(path, "built"))).toBe(false);
  });

  it("holds for the call that asks while it is written", async () => {
    const path = folderWithScripts();
    const session = await openSession(startServer(), { path, permissionMode: "ask" });
    listen(session.server, () => {
      write(path, ["bash:./build.sh*"]);
      return "allow";
    });
    await session.run(tool("./build.sh"), "r-1");
    expect(existsSync(join(path, "built"))).toBe(false);
  });

  it("allows nothing where it cannot be read", async () => {
    const path = folderWithScripts();
    const session = await openSession(startServer(), { path, permissionMode: "ask" });
    listen(session.server, () => {
      writeFileSync(join(path, "turnwire.json"), "{ not json");
      return "allow";
    });
    await session.run(tool("./build.sh"), "r-1");
    expect(existsSync(join(path, "built"))).toBe(false);
  });
});
