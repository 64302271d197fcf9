import { afterEach, expect, inject, it } from "vitest";
import { TurnwireClient } from "../../src/client/index.js";
import { refuseOversized } from "../../src/client/messageSize.js";

let client: TurnwireClient | undefined;
afterEach(() => client?.close());

it("a prompt that the server would skip is refused before it is sent, and the client goes on", async () => {
  client = await TurnwireClient.spawn({
    command: process.execPath,
    args: [inject("serverScript"), "serve", "--max-message-bytes", "5000"],
    env: { XDG_STATE_HOME: "/nowhere" },
    dataDir: `${process.env.TMPDIR ?? "/tmp"}/message-size-${process.pid}`,
  });
  const { api } = client;
  for (const prompt of ["x".repeat(6_000), "\u0001".repeat(1_000), "漢".repeat(2_000)]) {
    const refused = api.sendMessage({ workspaceId: "w", sessionId: "s", prompt });
    await expect(refused).rejects.toMatchObject({ name: "MessageTooLarge", code: -32600 });
  }
  const run = client.run({ workspaceId: "w", sessionId: "s", prompt: "x".repeat(6_000) });
  await expect(run).rejects.toMatchObject({ name: "MessageTooLarge" });
  expect(await api.ping({})).toBeDefined();
});

it("what fits is not refused, however its length is made up", () => {
  for (const params of [{ a: "x".repeat(800) }, { a: Array(100).fill(1) }, {}]) {
    expect(() => refuseOversized("m", params, 1_000)).not.toThrow();
  }
  expect(() => refuseOversized("m", { a: Array(1_000).fill(1) }, 1_000)).toThrow("at most");
  expect(() => refuseOversized("m", { a: "x".repeat(2_000) }, undefined)).not.toThrow();
});
