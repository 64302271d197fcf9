// What waited and was dropped goes back to whoever wrote it (protocol.md section 4, Cancelling).

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mostBytesGivenBack } from "../../src/backend/givenBack.js";
import { defined } from "../../src/base/defined.js";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";

let server: MemoryServer;
let ada: MemoryClient;
let ben: MemoryClient;
let place: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  server = new MemoryServer();
  ada = server.connect();
  ben = server.connect();
  await ada.call("initialize", { clientId: "ada" });
  await ben.call("initialize", { clientId: "ben" });
  place = await openSession(server, ada);
  await ada.call("sendMessage", { ...place, prompt: "runs", runId: "runs" });
  await until(() => server.engine.live().length === 1);
});

afterEach(async () => {
  ada.leave();
  ben.leave();
  await server.close();
});

const wait = (client: MemoryClient, prompt: string, runId?: string) =>
  client.call("sendMessage", { ...place, prompt, ...defined({ runId }) });

describe("cancelSession", () => {
  it("gives the caller's own waiting prompts back, and says that they never ran", async () => {
    await wait(ada, "first", "a1");
    await wait(ben, "his", "b1");
    await wait(ada, "second");
    expect(await ada.call("cancelSession", place)).toEqual({
      cancelled: [
        { runId: "runs", was: "running" },
        { runId: "a1", was: "queued", prompt: "first" },
        { runId: "b1", was: "queued" },
        { was: "queued", prompt: "second" },
      ],
    });
    await ada.until("runComplete", 2);
    const completions = ada.told("runComplete");
    expect(completions.find(({ runId }) => runId === "a1")).toMatchObject({ neverRan: true });
    expect(completions.find(({ runId }) => runId === "runs")).not.toHaveProperty("neverRan");
    const { messages } = await ada.call("listMessages", place);
    expect(JSON.stringify(messages)).not.toContain("first");
    expect(await ada.call("cancelSession", place)).toEqual({ cancelled: [] });
  });

  it("gives back 1 MiB at most, whole characters, and says where something is missing", async () => {
    const chunk = "🦊".repeat(30_000); // 120,000 bytes, under the test server's longest message.
    for (let n = 0; n < 10; n++) await wait(ada, chunk, `r${n}`);
    const { cancelled, promptTruncated } = await ada.call("cancelSession", place);
    expect(promptTruncated).toBe(true);
    const waited = cancelled.slice(1);
    const texts = waited.map(({ prompt }: { prompt?: string }) => prompt ?? "");
    expect(texts.slice(0, 8)).toEqual(Array(8).fill(chunk));
    const bytes = Buffer.byteLength(texts.join(""));
    expect(bytes).toBeLessThanOrEqual(mostBytesGivenBack);
    expect(bytes).toBeGreaterThan(mostBytesGivenBack - 4);
    expect(texts[8]).toMatch(/^(🦊)+$/u);
    expect(waited.map((one: object) => "promptTruncated" in one)).toEqual([
      ...Array(8).fill(false),
      ...[true, true],
    ]);
    expect(waited[9]).not.toHaveProperty("prompt");
  });
});

describe("clearQueue", () => {
  it("counts all and gives the caller's own back", async () => {
    await wait(ada, "first", "a1");
    await wait(ben, "his");
    await wait(ada, "second");
    expect(await ben.call("clearQueue", place)).toEqual({ cleared: 3, prompts: ["his"] });
    expect(await ben.call("clearQueue", place)).toEqual({ cleared: 0, prompts: [] });
    expect(server.engine.live()).toHaveLength(1);
  });

  it("says where it does not give all back", async () => {
    for (let n = 0; n < 6; n++) await wait(ada, "x".repeat(190_000), `r${n}`);
    const { cleared, prompts, promptTruncated } = await ada.call("clearQueue", place);
    expect({ cleared, promptTruncated }).toEqual({ cleared: 6, promptTruncated: true });
    expect(prompts.join("")).toBe("x".repeat(mostBytesGivenBack));
  });
});
