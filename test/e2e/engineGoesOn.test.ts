// A run with an engine that goes on after the loss of its server: the user's prompt is sent once.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import type { WireSession } from "../helpers/wireSession.js";

afterAll(endHouses);

const options = { onServerLoss: "continue" } as const;

async function start(house: EngineHouse, sessionId?: string): Promise<WireSession> {
  const hello = { protocolVersion: 1, clientId: "c" };
  await house.server.call("initialize", hello);
  return house.open("allow", sessionId);
}

async function send(session: WireSession, runId: string, prompt: string): Promise<void> {
  await session.server.call("sendMessage", { ...session.params(prompt, runId), options });
}

const prompts = (house: EngineHouse) => house.seen.filter((line) => line.startsWith("prompt"));

describe.concurrent("a run with an engine whose server is lost", () => {
  it("goes on with a prompt of ours in the agent's session, and its queue after it", async () => {
    const house = new EngineHouse();
    const session = await start(house);
    const seconds = uniqueSeconds();
    const call = { toolCallId: "c", title: "T", kind: "read", status: "completed" };
    const open = { toolCallId: "d", title: "U", kind: "read", status: "in_progress" };
    const calls = [call, open].map((one) => `tool ${JSON.stringify(one)}`).join("\n");
    const prompt = `child ${seconds}\nbare ${seconds}\nsay so far\n${calls}\nhang`;
    await send(session, "r", prompt);
    await send(session, "q", "say queued");
    await session.server.until(() =>
      session.server.events("messageUpdated").some((one) => JSON.stringify(one).includes('"d"'))
        ? true
        : undefined,
    );
    await session.server.kill();
    house.start();
    const again = await start(house, session.sessionId);
    expect(await again.server.completion("r")).toMatchObject({
      status: "succeeded",
      continuations: 1,
      text: expect.stringContaining("your work was cut off"),
    });
    expect(await again.server.completion("q")).toMatchObject({ text: "queued", continuations: 1 });
    expect(processesWith(seconds)).toEqual([]);
    expect(prompts(house).filter((line) => line.includes("hang"))).toHaveLength(1);
    expect(house.seen.filter((line) => line === "load true")).toHaveLength(1);
    const messages = await again.messages();
    expect(messages.filter(({ role }) => role === "user")).toHaveLength(2);
    const parts = messages.flatMap((one) => one.parts);
    const states = parts.flatMap((part) => (part.type === "toolCall" ? [part.state] : []));
    expect(states).toEqual(["completed", expect.stringMatching(/cancelled|failed/)]);
    expect(parts.filter(({ type }) => type === "toolResult")).toHaveLength(2);
    for (const { role, parts: own } of messages) {
      if (role === "assistant") expect(own.at(-1)?.type).toBe("finish");
    }
  });

  it("sends the prompt where the agent did not have it yet", async () => {
    const house = new EngineHouse({ silent: true });
    const session = await start(house);
    await send(session, "r", "say late");
    await expect.poll(() => house.seen.length).toBeGreaterThan(0);
    await session.server.event("messageCreated");
    await session.server.kill();
    house.configure({});
    house.start();
    const again = await start(house, session.sessionId);
    expect(await again.server.completion("r")).toMatchObject({
      status: "succeeded",
      text: "late",
      continuations: 1,
    });
    expect(prompts(house)).toEqual(['prompt "say late"']);
    expect((await again.messages()).filter(({ role }) => role === "user")).toHaveLength(1);
  });

  it("is interrupted where the agent cannot open its session again", async () => {
    const house = new EngineHouse();
    const session = await start(house);
    await send(session, "r", "say so far\nhang");
    await session.server.event("messageDelta");
    await session.server.kill();
    const store = join(house.folder, "store.json");
    expect(readFileSync(store, "utf8")).toContain("hang");
    writeFileSync(store, "");
    house.start();
    const again = await start(house, session.sessionId);
    expect(await again.server.completion("r")).toMatchObject({
      status: "interrupted",
      errorName: "Interrupted",
      cause: "crash",
      error: expect.stringContaining("no such session"),
    });
    expect(prompts(house)).toHaveLength(1);
    // The session works, in a new one of the agent's.
    expect(await again.run("say again", "r-2")).toMatchObject({ text: "again" });
  });

  it("waits over a polite end too", async () => {
    const house = new EngineHouse();
    const session = await start(house);
    await send(session, "r", "say so far\nhang");
    await session.server.event("messageDelta");
    expect(await session.server.call("shutdown", {})).toEqual({ parked: ["r"] });
    await session.server.close();
    house.start();
    const again = await start(house, session.sessionId);
    expect(await again.server.completion("r")).toMatchObject({
      status: "succeeded",
      continuations: 1,
    });
    expect(prompts(house).filter((line) => line.includes("hang"))).toHaveLength(1);
  });
});
