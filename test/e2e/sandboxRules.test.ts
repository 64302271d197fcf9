// protocol.md section 7: what a sandbox changes about questions, and what happens where there is none.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { configured, hasSandbox, openSandbox } from "../helpers/sandboxes.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const writing = { sandbox: "workspace-write" };

unless(
  describe,
  !hasSandbox(),
  "this needs bubblewrap and what it is allowed",
)("a sandbox", () => {
  it("that only reads writes nothing, and asks as ever", async () => {
    const permissions = { sandbox: "read-only", allow: ["bash"] };
    const { path, run } = await openSandbox({ permissions });
    expect(await run("touch made || echo no; touch /tmp/own && echo own")).toMatch(/no\nown$/);
    expect(readdirSync(path)).toEqual([]);
    const asking = await openSandbox({ permissions: { sandbox: "read-only" } });
    expect(await asking.run("true")).toContain("Permission is denied");
  });

  it("is left only by a question, whatever the rules allow; deny rules hold in it", async () => {
    const permissions = { ...writing, allow: ["bash"], deny: ["bash:touch*"] };
    const { session, path, run } = await openSandbox({ permissions });
    expect(await run("true", { unsandboxed: true })).toContain("Permission is denied");
    expect(await run("touch made")).toContain("denied by the rule");
    expect(readdirSync(path)).toEqual([]);
    await session.server.call("setPermissionMode", {
      workspaceId: session.workspaceId,
      mode: "deny",
    });
    expect(await run("true", { unsandboxed: true })).toContain("nothing leaves the sandbox");
  });
});

describe("a sandbox that cannot be had", () => {
  it("is an error when the agent is asked for, and never silently off", async () => {
    const bin = makeFolder();
    const env = { ...configured({ permissions: writing }), PATH: bin };
    const server = startServer({ env });
    const path = makeFolder();
    const error = await server.fail("createWorkspace", { path, initAgent: true });
    expect(error).toMatchObject({ code: 1026, data: { name: "SandboxUnavailable" } });
    const { id: workspaceId } = await server.call("createWorkspace", { path });
    expect(await server.failure("initAgent", { workspaceId })).toBe("SandboxUnavailable");
    const info = await server.call("getAgentInfo", { workspaceId });
    expect(info).toMatchObject({
      isReady: false,
      sandbox: { requested: "workspace-write", enforced: false, reason: expect.any(String) },
    });
  });

  it("where the kernel forbids it, says what the program said", async () => {
    const bin = makeFolder();
    writeFileSync(join(bin, "bwrap"), "#!/bin/sh\necho 'bwrap: no namespaces' >&2; exit 1\n", {
      mode: 0o755,
    });
    const env = { ...configured({ permissions: writing }), PATH: `${bin}:/usr/bin:/bin` };
    const server = startServer({ env });
    const error = await server.fail("createWorkspace", { path: makeFolder(), initAgent: true });
    expect(error.data.name).toBe("SandboxUnavailable");
    if (process.platform === "linux") expect(error.message).toContain("bwrap: no namespaces");
  });

  it("fails the run where it is asked for later", async () => {
    const env = configured({});
    const server = startServer({ env: { ...env, PATH: makeFolder() } });
    const session = await openSession(server);
    writeFileSync(env.TURNWIRE_CONFIG, JSON.stringify({ permissions: writing }));
    const completion = await session.run('@tool bash {"command":"touch made"}', "r-1");
    expect(completion).toMatchObject({ status: "failed", errorName: "SandboxUnavailable" });
    expect(readdirSync(session.path)).toEqual([]);
  });
});
