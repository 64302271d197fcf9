// A file of the workspace that takes all memory of whoever reads it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { largeDictionaryPdf } from "../helpers/pdfFile.js";
import { endServers } from "../helpers/serverProcess.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { openSession } from "../helpers/wireSession.js";
import { workChildrenOf } from "../helpers/workChildren.js";

afterAll(endServers);

async function start() {
  const loopback = await startLoopbackServer();
  onTestFinished(() => loopback.provider.close());
  const session = await openSession(loopback.server);
  writeFileSync(join(session.path, "paper.pdf"), largeDictionaryPdf());
  return { ...loopback, session };
}

const read = () => reply().toolCall("read", { path: "paper.pdf" });

describe("a PDF that takes all memory", () => {
  it("is an error of the tool that reads it, and ends nothing else", async () => {
    const { server, provider, session } = await start();
    provider.enqueue(read(), reply().text("too much"));
    const completion = await session.run("read the paper", "r-1");
    expect(completion).toMatchObject({ status: "succeeded", text: "too much" });
    const results = (await session.messages()).filter(({ role }) => role === "tool");
    expect(JSON.stringify(results)).toContain("takes too much time or memory to read");
    expect(workChildrenOf(server.pid)).toEqual([]);
  }, 60_000);

  unless(
    it,
    notOnLinux,
    "only Linux tells of other processes",
  )("is read by no process whose server was killed", async () => {
    const { server, provider, session } = await start();
    provider.enqueue(read());
    await session.send("read the paper", "r-1");
    while (workChildrenOf(server.pid).length === 0) await setTimeout(5);
    const [{ pid } = { pid: 0 }] = workChildrenOf(server.pid);
    await server.kill();
    const isGone = () => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    };
    while (!isGone()) await setTimeout(5);
  });
});
