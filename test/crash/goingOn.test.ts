// A server that is lost at each point of a turn that goes on after a loss: no tool has its effect twice,
// the run has one completion, and the model is told where it is not known what a tool did.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/protocol/objects/message.js";
import { GoneError } from "../helpers/serverChild.js";
import { Desks, effect, expectWhole } from "./desk.js";

let desks: Desks;
beforeAll(() => {
  desks = new Desks();
});
afterAll(() => desks.close());

const unknown = /not known whether it had its effect/;
const prompt = `@say I begin\n${effect("one")}\n${effect("two")}\n@say done`;

function resultsOf(messages: readonly Message[]): string[] {
  return messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "toolResult" ? [part.output] : [])),
  );
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
      const desk = desks.open();
      const dying = await desk.server({ point });
      const ended = desk.send(dying, "r", prompt).then(() => desk.wait(dying, "r"));
      await expect(ended).rejects.toBeInstanceOf(GoneError);
      const server = await desk.server();
      const completion = await desk.wait(server, "r");
      expect(completion).toMatchObject({ status: "succeeded", continuations: 1 });
      expect(desk.effects).toEqual(effects);
      const messages = await desk.messages(server);
      expectWhole(messages);
      expect(resultsOf(messages).filter((text) => unknown.test(text))).toHaveLength(unknowns);
      expect(await desk.completions(server)).toHaveLength(1);
      expect(await server.end()).toBe(0);
    },
  );
});

describe("what a run may use", () => {
  const slow = `@wait 3500\n${effect("one")}\n@wait 3500\n@say done`;
  const many = `@say one two three four five six seven\n${effect("one")}\n${effect("two")}\n@say done`;
  const dear = { type: "offline", models: [{ id: "dear", costPerMillionOutput: 100_000 }] };

  test.concurrent.each([
    ["steps", { steps: 2 }, "StepLimit", prompt, { one: 1, two: 1 }],
    ["tokens", { tokens: 1 }, "BudgetExceeded", many, { one: 1 }],
    ["costUsd", { costUsd: 0.5 }, "BudgetExceeded", many, { one: 1 }],
    ["seconds", { seconds: 6 }, "TimeLimit", slow, { one: 1 }],
  ])("counts on over a loss: %s", async (_, limits, errorName, script, effects) => {
    const desk = desks.open();
    const config = join(desk.root, "config.json");
    writeFileSync(config, JSON.stringify({ providers: { offline: dear } }));
    const env = { TURNWIRE_CONFIG: config };
    const dying = await desk.server({ env, point: "resultStored:1" });
    const ended = desk.send(dying, "r", script, { limits }).then(() => desk.wait(dying, "r"));
    await expect(ended).rejects.toBeInstanceOf(GoneError);
    const server = await desk.server({ env });
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
  const desk = desks.open();
  const dying = await desk.server({ point: "toolDone:1" });
  const ended = desk.send(dying, "r", prompt).then(() => desk.wait(dying, "r"));
  await expect(ended).rejects.toBeInstanceOf(GoneError);
  for (const point of ["adopted:1", "goingOn:1"]) {
    const next = await desk.server({ point });
    await next.exited;
  }
  const server = await desk.server();
  expect(await desk.wait(server, "r")).toMatchObject({ status: "succeeded", continuations: 3 });
  expect(desk.effects).toEqual({ one: 1, two: 1 });
  expect(await server.end()).toBe(0);
});

test("a turn that kills each server that goes on with it ends, and the queue goes on", async () => {
  const desk = desks.open();
  const dying = await desk.server({ point: "modelCalled:1" });
  const sent = desk.send(dying, "r", "@wait 300\n@say done");
  await sent.catch(() => {});
  await desk.send(dying, "behind", "@say next").catch(() => {});
  await dying.exited;
  for (let adoption = 0; adoption < 3; adoption++) {
    await (await desk.server({ point: "goingOn:1" })).exited;
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
  const desk = desks.open();
  const first = await desk.server();
  await desk.send(first, "r", `${effect("one")}\n@wait 60000\n@say never`);
  await desk.send(first, "q", "@say queued");
  await expect.poll(() => desk.effects).toEqual({ one: 1 });
  expect(await first.request("shutdown")).toEqual({ parked: ["r", "q"] });
  first.notify("exit", {});
  await first.exited;
  const server = await desk.server();
  const { workspaceId } = desk.ids;
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
