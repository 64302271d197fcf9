// Nothing of ours makes Node warn. The servers of every test are looked at for it (serverProcess.ts);
// these are the ones in which listeners on one signal could pile up.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const many = 30;

describe("many listeners", () => {
  it("of sessions that run side by side in one workspace", async () => {
    const server = startServer();
    await server.call("initialize", { clientId: "c" });
    const path = makeFolder();
    execFileSync("git", ["init", "-q"], { cwd: path });
    const first = await openSession(server, { path });
    const sessions = [first];
    while (sessions.length < many) sessions.push(await first.another());
    const prompt = '@tool bash {"command":"sleep 0.1"}\n@tool grep {"pattern":"x"}\n@say done';
    await Promise.all(sessions.map((session, index) => session.run(prompt, `r-${index}`)));
    await Promise.all(sessions.map((session, index) => session.send("@wait 60000", `w-${index}`)));
    await server.close();
    expect(server.violations).toEqual([]);
  });

  it("of looks at git that overlap, since it is slow and its files change", async () => {
    const bin = makeFolder();
    const slow = `#!/bin/sh\nsleep 0.3\nPATH=${process.env.PATH} exec git "$@"\n`;
    writeFileSync(join(bin, "git"), slow, { mode: 0o755 });
    const server = startServer({ env: { PATH: `${bin}:${process.env.PATH}` } });
    await server.call("initialize", { clientId: "c" });
    const path = makeFolder();
    execFileSync("git", ["init", "-q"], { cwd: path });
    const first = await openSession(server, { path });
    const sessions = [first];
    while (sessions.length < many) sessions.push(await first.another());
    for (const [index, session] of sessions.entries()) {
      writeFileSync(join(first.path, ".git", "HEAD"), `ref: refs/heads/b${index}\n`);
      await session.send("@say done", `r-${index}`);
      await server.settle();
    }
    await Promise.all(sessions.map((_, index) => server.completion(`r-${index}`)));
    await server.close();
    expect(server.violations).toEqual([]);
  });

  it("of calls that run side by side in one turn, and of their questions", async () => {
    for (const permissionMode of ["allow", "ask"] as const) {
      const { server, provider } = await startLoopbackServer();
      server.onPermission = () => ({ result: { decision: "allow" } });
      await server.call("initialize", {
        clientId: "c",
        capabilities: { requestPermission: true },
      });
      const session = await openSession(server, { permissionMode });
      let turn = reply();
      for (let index = 0; index < many; index++) {
        turn = turn.toolCall("bash", { command: `sleep 0.1; echo ${index}` });
      }
      for (let index = 0; index < 10; index++) {
        turn = turn.toolCall("fetch", { url: `http://127.0.0.1:9/${index}` });
      }
      provider.enqueue(turn, reply().text("done"));
      await session.run("go", "r-1");
      await server.close();
      await provider.close();
      expect(server.violations).toEqual([]);
    }
  });
});
