// Which run a line of the log is about (docs/operating.md).
import { afterAll, expect, it, onTestFinished } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** Lines that are about the server, or about a workspace as a whole. */
const ofNoRun: readonly string[] = [
  "a tool server is down; it is started again",
  "the client is gone",
  "a notification that means nothing here was ignored",
  "nothing can be written any more",
];

it("every line of a run has its workspace, its session and its runId", async () => {
  const { provider, server } = await startLoopbackServer({
    args: ["--log-level", "debug"],
    config: { mcpServers: { down: { command: "/nonexistent/server" } } },
  });
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
  // What ends badly is a run's too: one that fails, one that is cancelled, and one that never begins.
  provider.enqueue(errorReply(401, "no key"));
  await session.run("go", "run-2");
  const gate = new Gate(provider);
  provider.enqueue(reply().text("so").gate(gate.opened));
  await session.send("go", "run-3");
  await gate.reached();
  await session.send("go", "run-4");
  await server.call("cancelSession", { workspaceId, sessionId });
  await server.completion("run-4");
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
      "a tool server is not ready; a turn begins without it",
    ]),
  );
  for (const line of lines) {
    const runId: unknown = expect.stringMatching(/^run-\d$/);
    expect(line, String(line.msg)).toMatchObject({ workspaceId, sessionId, runId });
  }
  const begun = lines.filter(({ msg }) => String(msg).startsWith("a tool server is not"));
  expect(begun.map(({ runId }) => runId)).toEqual(["run-1", "run-2", "run-3"]);
});
