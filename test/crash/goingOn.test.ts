// A server that is lost at each point of a turn that goes on after a loss: no tool has its effect twice,
// the run has one completion, and the model is told where it is not known what a tool did.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/protocol/objects/message.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { GoneError, ServerChild } from "../helpers/serverChild.js";

let build: TestBuild;
beforeAll(() => {
  build = buildServer({ faultPoints: true });
}, 120_000);
/** What ends servers, and then removes folders. */
const endings: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of endings) await end();
  build.remove();
}, 30_000);

const options = { onServerLoss: "continue" };
const unknown = /not known whether it had its effect/;

class Desk {
  readonly root = mkdtempSync(join(tmpdir(), "turnwire-goes-on-"));
  readonly workspace = join(this.root, "workspace");
  workspaceId = "";
  sessionId = "";

  constructor() {
    mkdirSync(this.workspace);
    endings.push(() => rmSync(this.root, { recursive: true, force: true }));
  }

  async server(env: Readonly<Record<string, string>> = {}): Promise<ServerChild> {
    const dataDir = join(this.root, "data");
    const server = new ServerChild({ main: build.main, dataDir, env, onNotice: () => {} });
    endings.unshift(() => server.kill());
    await server.request("initialize", { clientId: "c" });
    const { id } = await server.request("createWorkspace", {
      path: this.workspace,
      permissionMode: "allow",
      initAgent: true,
    });
    this.workspaceId = String(id);
    return server;
  }

  async send(server: ServerChild, runId: string, prompt: string, more: object = {}): Promise<void> {
    const { workspaceId } = this;
    if (this.sessionId === "") {
      this.sessionId = String((await server.request("createSession", { workspaceId })).id);
    }
    const head = { workspaceId, sessionId: this.sessionId };
    await server.request("sendMessage", {
      ...head,
      runId,
      prompt,
      options: { ...options, ...more },
    });
  }

  async wait(server: ServerChild, runId: string): Promise<RunComplete> {
    const { workspaceId } = this;
    const completion = await server.request("waitRun", { workspaceId, runId, timeoutMs: 30_000 });
    return completion as unknown as RunComplete;
  }

  async messages(server: ServerChild): Promise<Message[]> {
    const { workspaceId, sessionId } = this;
    const { messages } = await server.request("listMessages", { workspaceId, sessionId });
    return messages as unknown as Message[];
  }

  /** How often each effect happened. */
  get effects(): Record<string, number> {
    const file = join(this.workspace, "effects.txt");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const counts: Record<string, number> = {};
    for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
    return counts;
  }
}

const bash = (text: string) =>
  `@tool bash ${JSON.stringify({ command: `echo ${text} >> effects.txt` })}`;
const prompt = `@say I begin\n${bash("one")}\n${bash("two")}\n@say done`;

function resultsOf(messages: readonly Message[]): string[] {
  return messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])),
  );
}

/** Every call has one result, and every reply an end. */
function expectWhole(messages: readonly Message[]): void {
  const parts = messages.flatMap((message) => message.parts);
  const calls = parts.flatMap((part) => (part.type === "toolCall" ? [part] : []));
  const results = parts.flatMap((part) => (part.type === "toolResult" ? [part.toolCallId] : []));
  expect(results.toSorted()).toEqual(calls.map(({ toolCallId }) => toolCallId).toSorted());
  for (const { state } of calls) expect(["completed", "failed", "cancelled"]).toContain(state);
  for (const { role, parts: own } of messages) {
    if (role === "assistant") expect(own.at(-1)?.type).toBe("finish");
  }
}

const points = [
  { point: "accepted:1", effects: { one: 1, two: 1 } },
  { point: "turnBegun:1", effects: { one: 1, two: 1 } },
  { point: "modelCalled:1", effects: { one: 1, two: 1 } },
  { point: "replyStored:1", effects: { one: 1, two: 1 } },
  { point: "toolPending:1", effects: { one: 1, two: 1 } },
  { point: "toolRunning:1", effects: { two: 1 }, unknown: 1 },
  { point: "toolDone:1", effects: { one: 1, two: 1 }, unknown: 1 },
  { point: "resultStored:1", effects: { one: 1, two: 1 } },
  { point: "toolPending:2", effects: { one: 1, two: 1 } },
  { point: "toolRunning:2", effects: { one: 1 }, unknown: 1 },
  { point: "toolDone:2", effects: { one: 1, two: 1 }, unknown: 1 },
  { point: "resultStored:2", effects: { one: 1, two: 1 } },
  { point: "replyStored:2", effects: { one: 1, two: 1 } },
  { point: "finishing:1", effects: { one: 1, two: 1 } },
];

describe("a turn whose server is lost", () => {
  test.concurrent.each(points)(
    "goes on at $point",
    async ({ point, effects, unknown: unknowns = 0 }) => {
      const desk = new Desk();
      const dying = await desk.server({ TURNWIRE_FAULT_POINT: point });
      const ended = desk.send(dying, "r", prompt).then(() => desk.wait(dying, "r"));
      await expect(ended).rejects.toBeInstanceOf(GoneError);
      const server = await desk.server();
      if (desk.sessionId === "") throw new Error("no session");
      const completion = await desk.wait(server, "r");
      expect(completion).toMatchObject({ status: "succeeded", continuations: 1 });
      expect(desk.effects).toEqual(effects);
      const messages = await desk.messages(server);
      expectWhole(messages);
      expect(resultsOf(messages).filter((text) => unknown.test(text))).toHaveLength(unknowns);
      const { completions } = await server.request("listPendingCompletions", {});
      expect(completions).toHaveLength(1);
      expect(await server.end()).toBe(0);
    },
  );
});

describe("what a run may use", () => {
  const slow = `@wait 1500\n${bash("one")}\n@wait 1500\n@say done`;
  const many = `@say one two three four five six seven\n${bash("one")}\n${bash("two")}\n@say done`;
  const dear = { type: "offline", models: [{ id: "dear", costPerMillionOutput: 100_000 }] };

  test.concurrent.each([
    ["steps", { steps: 2 }, "StepLimit", prompt, { one: 1, two: 1 }],
    ["tokens", { tokens: 1 }, "BudgetExceeded", many, { one: 1 }],
    ["costUsd", { costUsd: 0.5 }, "BudgetExceeded", many, { one: 1 }],
    ["seconds", { seconds: 2 }, "TimeLimit", slow, { one: 1 }],
  ])("counts on over a loss: %s", async (_, limits, errorName, script, effects) => {
    const desk = new Desk();
    const config = join(desk.root, "config.json");
    writeFileSync(config, JSON.stringify({ providers: { offline: dear } }));
    const env = { TURNWIRE_CONFIG: config };
    const dying = await desk.server({ ...env, TURNWIRE_FAULT_POINT: "resultStored:1" });
    const ended = desk.send(dying, "r", script, { limits }).then(() => desk.wait(dying, "r"));
    await expect(ended).rejects.toBeInstanceOf(GoneError);
    const server = await desk.server(env);
    expect(await desk.wait(server, "r")).toMatchObject({
      status: "failed",
      errorName,
      cause: "limit",
      continuations: 1,
    });
    expect(desk.effects).toEqual(effects);
    expect(await server.end()).toBe(0);
  });
});

test("a server that is lost while it takes over leaves the run to the next one", async () => {
  const desk = new Desk();
  const dying = await desk.server({ TURNWIRE_FAULT_POINT: "toolDone:1" });
  const ended = desk.send(dying, "r", prompt).then(() => desk.wait(dying, "r"));
  await expect(ended).rejects.toBeInstanceOf(GoneError);
  for (const point of ["adopted:1", "goingOn:1"]) {
    const next = await desk.server({ TURNWIRE_FAULT_POINT: point });
    await next.exited;
  }
  const server = await desk.server();
  expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded", continuations: 3 });
  expect(desk.effects).toEqual({ one: 1, two: 1 });
  expect(await server.end()).toBe(0);
});

test("a turn that kills each server that goes on with it ends, and the queue goes on", async () => {
  const desk = new Desk();
  const dying = await desk.server({ TURNWIRE_FAULT_POINT: "modelCalled:1" });
  const sent = desk.send(dying, "r", "@wait 300\n@say done");
  await sent.catch(() => {});
  await desk.send(dying, "behind", "@say next").catch(() => {});
  await dying.exited;
  for (let adoption = 0; adoption < 3; adoption++) {
    await (await desk.server({ TURNWIRE_FAULT_POINT: "goingOn:1" })).exited;
  }
  const server = await desk.server();
  expect(await desk.wait(server, "r")).toMatchObject({
    status: "interrupted",
    cause: "crash",
    errorName: "Poisoned",
  });
  expect(await server.end()).toBe(0);
});

test("a polite end parks the run, and the next server goes on with it", async () => {
  const desk = new Desk();
  const first = await desk.server();
  await desk.send(first, "r", `${bash("one")}\n@wait 60000\n@say never`);
  await desk.send(first, "q", "@say queued");
  await expect.poll(() => desk.effects, { timeout: 10_000 }).toEqual({ one: 1 });
  expect(await first.request("shutdown")).toEqual({ parked: ["r", "q"] });
  first.notify("exit", {});
  await first.exited;
  const server = await desk.server();
  const { workspaceId } = desk;
  await expect
    .poll(async () => (await server.request("getRun", { workspaceId, runId: "r" })).state)
    .toBe("running");
  expect(await server.request("cancelRun", { workspaceId, runId: "r" })).toEqual({
    outcome: "stopping",
  });
  expect(await desk.wait(server, "r")).toMatchObject({ status: "cancelled", continuations: 1 });
  expect(await desk.wait(server, "q")).toMatchObject({ status: "succeeded", continuations: 1 });
  expect(desk.effects).toEqual({ one: 1 });
  expect(await server.end()).toBe(0);
});
