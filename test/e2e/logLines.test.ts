// Which run a line of the log is about (docs/operating.md).
import { afterAll, expect, it, onTestFinished } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** Lines that are about the server, or about a workspace as a whole. */
const ofNoRun: readonly string[] = [
  "the client is gone",
  "a notification that means nothing here was ignored",
  "nothing can be written any more",
];

it("every line of a run has its workspace, its session and its runId", async () => {
  const { provider, server } = await startLoopbackServer({ args: ["--log-level", "debug"] });
  onTestFinished(() => provider.close());
  const session = await openSession(server, { permissionMode: "ask", title: "" });
  const { workspaceId, sessionId } = session;
  await server.call("setTools", {
    tools: [{ name: "odd", description: "Answers oddly.", inputSchema: { type: "object" } }],
  });
  provider.onTitle(() => errorReply(400, "no titles"));
  provider.enqueue(
    errorReply(503, "busy"),
    reply()
      .toolCall("write", { path: "a.txt", content: "new" }, { id: "c1" })
      .toolCall("client__odd", {}, { id: "c2" }),
    reply().text("done"),
  );
  // A question gets an answer that is none, and the client has no handler for its tool.
  const result = { decision: "maybe" };
  server.onPermission = () => ({ result });
  await session.run("go", "run-1");
  await server.close();
  const lines = server.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter(({ msg }) => !ofNoRun.includes(String(msg)));
  expect(new Set(lines.map(({ msg }) => msg))).toEqual(
    new Set([
      "model call is retried",
      "a question got a malformed answer",
      "no title: its model failed",
    ]),
  );
  for (const line of lines) {
    expect(line, String(line.msg)).toMatchObject({ workspaceId, sessionId, runId: "run-1" });
  }
});
