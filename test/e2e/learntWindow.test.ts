// Contract section 4, Summaries: a window that nobody configured is learnt from a refusal.

import { writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

it.each([
  ["that is not configured", undefined],
  ["that is configured too large", 1_000_000],
])("a window %s is known from the first refusal on", async (_, contextWindow) => {
  const { provider, server, configFile } = await startLoopbackServer();
  const { baseUrl } = provider;
  const models = [{ id: "loop-1", ...defined({ contextWindow }) }];
  const loopback = { type: "openai-compatible", baseUrl, models };
  writeFileSync(configFile, JSON.stringify({ providers: { loopback } }));
  try {
    const summaries = () => provider.requests.filter(({ purpose }) => purpose === "summary").length;
    const session = await openSession(server);
    await session.run("first", "window-1");
    provider.enqueue(
      errorReply(400, "This model's maximum context length is 60000 tokens. Please reduce it."),
      reply().text("it fits").usage(59_000, 5),
    );
    expect(await session.run("second", "window-2")).toMatchObject({ text: "it fits" });
    expect(summaries()).toBe(1);
    const before = provider.turnRequests.length;
    // Told in one turn, it holds within it, and in the turns behind it.
    provider.enqueue(
      reply().toolCall("ls", {}).usage(59_000, 5),
      reply().text("behind a summary").usage(100, 5),
    );
    expect(await session.run("third", "window-3")).toMatchObject({ text: "behind a summary" });
    expect(summaries()).toBe(2);
    expect(provider.turnRequests).toHaveLength(before + 2);
  } finally {
    await provider.close();
  }
});
