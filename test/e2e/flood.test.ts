// A turn of 100,000 chunks, whose client reads: its text holds up nobody else (protocol.md section 6).
import { afterAll, describe, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const chunks = 100_000;
const chunkBytes = 20;

describe("a turn of 100,000 chunks", () => {
  it("keeps neither answers nor another session's completion waiting", async () => {
    const server = startServer();
    const session = await openSession(server);
    const other = await session.another();
    await session.send(`@chunks ${chunks} ${chunkBytes}`, "long");
    await server.event("messageDelta");
    await server.call("ping", {});
    expect(streamed(server, "long")).toBeLessThan(chunks * chunkBytes);
    await other.send("@say short", "short");
    expect(await server.completion("short")).toMatchObject({ text: "short" });
    expect(streamed(server, "long")).toBeLessThan(chunks * chunkBytes);
    await server.completion("long");
    expect(streamed(server, "long")).toBe(chunks * chunkBytes);
  });
});

/** How much of a run's text has come so far. */
function streamed(server: ServerProcess, runId: string): number {
  const deltas = server.events("messageDelta").filter((event) => event.runId === runId);
  return deltas.reduce((sum, { delta }) => sum + delta.length, 0);
}
