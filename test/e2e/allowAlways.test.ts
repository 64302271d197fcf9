// protocol.md section 7, over pipes: `allowAlways`, and open questions that something else decides.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, inject, it } from "vitest";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { testNode } from "../helpers/testNode.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const bash = (command: string) => `@tool bash ${JSON.stringify({ command })}`;
const questions = ({ frames }: ServerProcess) =>
  frames.filter(({ method }) => method === "requestPermission");

it("stores one rule, which holds in other sessions and servers until it is taken back", async () => {
  const env = { XDG_CONFIG_HOME: makeFolder() };
  const file = join(env.XDG_CONFIG_HOME, "turnwire", "permissions.json");
  const [server, other] = [startServer({ env }), startServer({ env })];
  const first = await openSession(server, { permissionMode: "ask" });
  const second = await openSession(other, { permissionMode: "ask", path: first.path });
  server.onPermission = () => ({ result: { decision: "allowAlways" } });
  other.onPermission = () => ({ result: { decision: "deny" } });
  await first.run(bash("touch made"), "r-1");
  expect(questions(server)[0]?.params).toMatchObject({
    choices: ["allow", "allowForSession", "allowAlways", "deny"],
  });
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    allowAlways: [{ rule: "bash:touch made", workspace: first.path }],
  });
  if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(existsSync(join(first.path, "made"))).toBe(true);
  await (await first.another()).run(bash("touch made"), "r-2");
  expect(questions(server)).toHaveLength(1);
  expect(await second.run(bash("touch made"), "r-3")).toMatchObject({ status: "succeeded" });
  expect(questions(other)).toEqual([]);
  const turnwire = (...args: string[]) =>
    promisify(execFile)(testNode, [inject("serverScript"), "permissions", ...args], {
      env: { PATH: process.env.PATH, HOME: makeFolder(), ...env },
    });
  expect((await turnwire("list")).stdout).toBe(`bash:touch made  (workspace ${first.path})\n`);
  await expect(turnwire("remove", "bash:touch")).rejects.toMatchObject({ code: 1 });
  await turnwire("remove", "bash:touch made");
  await second.run(bash("touch made"), "r-4");
  expect(questions(other)).toHaveLength(1);
});

it("withdraws questions that an answer, or a mode, has decided", async () => {
  const server = startServer({ env: { XDG_CONFIG_HOME: makeFolder() } });
  server.onPermission = () => undefined;
  const first = await openSession(server, { permissionMode: "ask" });
  const [second, third] = [await first.another(), await first.another()];
  await first.send(bash("touch made"), "r-1");
  await second.send(bash("touch made"), "r-2");
  await third.send(bash("touch another"), "r-3");
  await expect.poll(() => questions(server).length).toBe(3);
  const idOf = (sessionId: string) =>
    questions(server).find(
      ({ params }) => (params as { sessionId: string }).sessionId === sessionId,
    )?.id;
  const withdrawn = () =>
    server.frames
      .filter(({ method }) => method === "$/cancelRequest")
      .map(({ params }) => (params as { id: unknown }).id);
  const result = { decision: "allowAlways" };
  server.send(JSON.stringify({ jsonrpc: "2.0", id: idOf(first.sessionId), result }));
  expect(await server.completion("r-2")).toMatchObject({ status: "succeeded" });
  expect(withdrawn()).toEqual([idOf(second.sessionId)]);
  const { workspaceId } = first;
  await server.call("setPermissionMode", { workspaceId, mode: "allow" });
  expect(await server.completion("r-3")).toMatchObject({ status: "succeeded" });
  expect(withdrawn()).toEqual([idOf(second.sessionId), idOf(third.sessionId)]);
  const decisions = server.events("permissionResolved").map(({ decision }) => decision);
  expect(decisions.sort()).toEqual(["allow", "allow", "allowAlways"]);
});
