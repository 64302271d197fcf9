// A server that dies around the moment in which a run joins the turn of another, and at their end: each
// has one completion, and a prompt that has joined has its message.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { GoneError, ServerChild } from "../helpers/serverChild.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: true });
});
afterAll(() => build.remove());

class Desk {
  readonly root = mkdtempSync(join(tmpdir(), "turnwire-join-"));
  readonly workspace = join(this.root, "workspace");
  ids: { workspaceId: string; sessionId: string } = { workspaceId: "", sessionId: "" };

  constructor() {
    mkdirSync(this.workspace);
    onTestFinished(() => rmSync(this.root, { recursive: true, force: true }));
  }

  async server(env: Readonly<Record<string, string>> = {}): Promise<ServerChild> {
    const dataDir = join(this.root, "data");
    const server = new ServerChild({ main: build.main, dataDir, env, onNotice: () => {} });
    onTestFinished(() => server.kill());
    await server.request("initialize", { clientId: "c" });
    const { id } = await server.request("createWorkspace", {
      path: this.workspace,
      permissionMode: "allow",
      initAgent: true,
    });
    this.ids = { ...this.ids, workspaceId: String(id) };
    return server;
  }

  /** Two runs of which the second joins the first, until the server dies. */
  async work(server: ServerChild): Promise<void> {
    const session = await server.request("createSession", { workspaceId: this.ids.workspaceId });
    this.ids = { ...this.ids, sessionId: String(session.id) };
    const prompt = "@wait 1500\n@tool ls {}\n@say first";
    await server.request("sendMessage", { ...this.ids, runId: "turn", prompt });
    const options = { whenBusy: "join" };
    await server.request("sendMessage", { ...this.ids, runId: "joins", prompt: "@say b", options });
    const { workspaceId } = this.ids;
    await server.request("waitRun", { workspaceId, runId: "joins" });
    await server.request("waitRun", { workspaceId, runId: "turn" });
  }
}

test.each([
  { point: "folding:1", hasJoined: false },
  { point: "folded:1", hasJoined: true },
  { point: "finishing:1", hasJoined: true },
  { point: "committed:1", hasJoined: true, status: "succeeded" },
  { point: "committed:2", hasJoined: true, status: "succeeded" },
])("loses and invents nothing at $point", async ({ point, hasJoined, status = "interrupted" }) => {
  const desk = new Desk();
  const dying = await desk.server({ TURNWIRE_FAULT_POINT: point });
  await expect(desk.work(dying)).rejects.toBeInstanceOf(GoneError);
  const server = await desk.server();
  const { workspaceId } = desk.ids;
  const { completions } = await server.request("listPendingCompletions", {});
  const all = completions as RunComplete[];
  expect(all.map((one) => [one.runId, one.status])).toEqual([
    ["turn", status],
    ["joins", status],
  ]);
  const [turn, joined] = all;
  const named = { completionId: turn?.completionId, runId: "turn" };
  expect(joined?.joined).toEqual(hasJoined ? named : undefined);
  expect(joined?.neverRan).toBe(hasJoined ? undefined : true);
  expect(turn?.foldedPrompts).toBe(hasJoined ? 1 : 0);
  expect(await server.request("getRun", { workspaceId, runId: "joins" })).toMatchObject({
    state: "completed",
    completion: { completionId: joined?.completionId },
  });
  const { messages } = await server.request("listMessages", desk.ids);
  const prompts = (messages as { role: string; parts: unknown[] }[])
    .filter(({ role }) => role === "user")
    .map(({ parts }) => JSON.stringify(parts).includes("@say b"));
  expect(prompts.filter(Boolean)).toHaveLength(hasJoined ? 1 : 0);
});
