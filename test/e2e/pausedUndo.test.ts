// protocol.md section 4, The queue and Taking back: `/undo` in a queue that is paused, when its server dies.
import { existsSync } from "node:fs";
import { afterAll, expect, it, onTestFinished } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

it("stays paused, and takes nothing back before it is told to go on", async () => {
  const { server, provider, env } = await startLoopbackServer();
  onTestFinished(() => provider.close());
  await server.call("initialize", { clientId: "ada" });
  const session = await openSession(server);
  const again = async () => {
    const next = startServer({ dataDir: server.dataDir, env });
    await next.call("initialize", { clientId: "ada" });
    const { path } = session;
    await next.call("createWorkspace", { path, permissionMode: "allow", initAgent: true });
    return new WireSession(next, session.workspaceId, session.sessionId, path);
  };
  const made = `${session.path}/made`;
  provider.enqueue(
    reply().toolCall("write", { path: "made", content: "x" }),
    reply().text("scribbled"),
  );
  await session.run("write", "write");
  const second = new Gate(provider);
  provider.enqueue(reply().gate(second.opened).text("never"));
  await session.send("wait", "second");
  await second.reached();
  await session.send("/undo 2", "undo");
  await session.send("after", "after");
  await server.call("pauseQueue", session.ids);
  await server.kill();
  const next = await again();
  expect(await next.server.completion("second")).toMatchObject({ status: "interrupted" });
  await next.server.settle();
  expect(await next.server.call("listQueue", next.ids)).toMatchObject({
    paused: true,
    entries: [{ runId: "undo", prompt: "/undo 2" }, { runId: "after" }],
  });
  expect(existsSync(made)).toBe(true);
  expect(await next.server.failure("rewindSession", { ...next.ids, runId: "write" })).toBe(
    "SessionBusy",
  );
  provider.enqueue(reply().text("afterwards"));
  await next.server.call("resumeQueue", next.ids);
  expect(await next.server.completion("undo")).toMatchObject({ status: "succeeded" });
  expect(await next.server.completion("after")).toMatchObject({ text: "afterwards" });
  expect(existsSync(made)).toBe(false);
  const request = JSON.stringify(provider.turnRequests.at(-1)?.body);
  expect(request).not.toContain("scribbled");
  await next.server.close();
});
