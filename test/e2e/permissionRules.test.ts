// protocol.md section 7: rules, what tools are given, and what the server itself runs.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { onWindows, unless } from "../helpers/unless.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

describe("rules", () => {
  it("spare the question, or refuse; deny wins, also over mode `allow`", async () => {
    const permissions = { mode: "ask", allow: ["bash:echo *"], deny: ["bash:echo secret*"] };
    const { server, provider } = await startLoopbackServer({ config: { permissions } });
    const workspace = await server.call("createWorkspace", { path: makeFolder(), initAgent: true });
    expect(workspace.permissionMode).toBe("ask");
    const { id } = await server.call("createSession", {
      workspaceId: workspace.id,
      title: "rules",
    });
    const session = new WireSession(server, workspace.id, id, workspace.path);
    const asked: unknown[] = [];
    server.onPermission = ({ input }) => {
      asked.push(Object(input).command);
      return { result: { decision: "deny" } };
    };
    const states = async (command: string, runId: string) => {
      provider.enqueue(reply().toolCall("bash", { command }), reply().text("ok"));
      await session.run("run it", runId);
      return await lastCallState(session);
    };
    expect(await states("echo hello", "rule-1")).toBe("completed");
    expect(await states("echo secret", "rule-2")).toBe("denied");
    expect(asked).toEqual([]);
    // Every command of a line must be allowed for the line to be.
    expect(await states("echo hello; touch a", "rule-3")).toBe("denied");
    expect(asked).toEqual(["echo hello; touch a"]);
    const { workspaceId } = session;
    await server.call("setPermissionMode", { workspaceId, mode: "allow" });
    expect(await states("touch b", "rule-4")).toBe("completed");
    expect(await states("touch c; echo secrets", "rule-5")).toBe("denied");
    expect(asked).toHaveLength(1);
    await provider.close();
  });
});

unless(
  it,
  onWindows,
  "no POSIX shell",
)("reading the git state runs nothing of the workspace", async () => {
  const path = makeFolder();
  const trap = join(path, "trap.sh");
  const git = (...args: string[]) => execFileSync("git", args, { cwd: path, stdio: "pipe" });
  git("init", "-q");
  writeFileSync(trap, `#!/bin/sh\n: > ${join(path, "sprung")}\ncat\n`, { mode: 0o755 });
  writeFileSync(join(path, "a.txt"), "a");
  writeFileSync(join(path, ".gitattributes"), "*.txt filter=trap\n");
  for (const name of ["core.fsmonitor", "core.pager", "filter.trap.clean", "diff.external"]) {
    git("config", name, trap);
  }
  const sprung = join(path, "sprung");
  git("status");
  expect(existsSync(sprung)).toBe(true);
  rmSync(sprung);
  const session = await openSession(startServer(), { path });
  await session.run("@say hi", "git-1");
  expect(existsSync(sprung)).toBe(false);
});

it("tools do not inherit the keys of providers, unless the workspace is given them", async () => {
  const env = { OPENAI_API_KEY: "sk-not-for-tools", OTHER: "for all" };
  const { server, provider } = await startLoopbackServer({ env });
  const command = 'echo "key=$OPENAI_API_KEY other=$OTHER own=$OWN"';
  const output = async (own: Record<string, string>, runId: string) => {
    const session = await openSession(server, { env: own });
    provider.enqueue(reply().toolCall("bash", { command }), reply().text("done"));
    await session.run("echo", runId);
    const parts = (await session.messages()).flatMap((message) => message.parts);
    const result = parts.find((part) => part.type === "toolResult");
    return result?.type === "toolResult" ? result.output : "";
  };
  expect(await output({ OWN: "mine" }, "env-1")).toContain("key= other=for all own=mine");
  expect(await output({ OPENAI_API_KEY: "given" }, "env-2")).toContain("key=given other=for all");
  await provider.close();
});

/** The state of the session's last tool call. */
async function lastCallState(session: WireSession): Promise<string | undefined> {
  const parts = (await session.messages()).flatMap((message) => message.parts);
  return parts.flatMap((part) => (part.type === "toolCall" ? [part.state] : [])).at(-1);
}
