// Section 7 of protocol.md, Tools of the client.

import { demand, demandSame } from "../checkFailure.js";
import type { Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";

const withTools = {
  section: 7,
  level: "MUST",
  group: "core",
  lane: "main",
  needs: ["setTools"],
} as const;

const tool = {
  name: "editorState",
  description: "What the editor shows.",
  inputSchema: { type: "object", properties: { of: { type: "string" } } },
};
const calling = '@tool editorState {"of":"it"}\n@say done';

/** Runs a prompt that calls the tool; gives the call, and the tool's result in the session. */
async function called(own: Workspace, answer: object) {
  await own.peer.result("setTools", { tools: [tool] });
  const sessionId = await own.session();
  const calls: Members[] = [];
  own.peer.answerers.set(sessionId, (question) => {
    calls.push(question);
    return "error" in answer ? { error: answer.error } : { result: answer };
  });
  const done = await own.run(sessionId, calling);
  const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
  const result = listOf(page, "messages")
    .flatMap((message) => listOf(message, "parts"))
    .find((part) => textOf(part, "type") === "toolResult");
  return { done, calls, result: isMembers(result) ? result : {} };
}

export const clientTools: readonly Requirement[] = [
  {
    ...withTools,
    id: "TW-CLIENTTOOL-001",
    sentence:
      "If the model calls one, the server sends [`callTool`](#calltool) and the client answers with the output for the model.",
    async check(kit) {
      const { calls, result } = await called(await kit.shared(), { output: "line 7" });
      demandSame(
        calls.map(({ name, input }) => [name, input]),
        [["editorState", { of: "it" }]],
        "the calls",
      );
      demandSame([result.output, result.isError], ["line 7", false], "the result");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-002",
    sentence: "A call is sent once and never again.",
    async check(kit) {
      const answer = { error: { code: -32000, message: "the editor is busy" } };
      const { done, calls, result } = await called(await kit.shared(), answer);
      demandSame(calls.length, 1, "how often a call that failed was sent");
      demandSame([result.isError, done.status], [true, "succeeded"], "the result and the run");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-003",
    sentence: "An invalid set is `InvalidParams`, and the old set stays.",
    async check(kit) {
      const own = await kit.shared();
      await own.peer.result("setTools", { tools: [tool] });
      for (const name of ["write", "mcp__x", "two words", ""]) {
        const wrong = { tools: [{ ...tool, name }] };
        await own.peer.refused("setTools", wrong, "InvalidParams");
      }
      const many = Array.from({ length: 129 }, (_, index) => ({ ...tool, name: `t${index}` }));
      await own.peer.refused("setTools", { tools: many }, "InvalidParams");
      const sessionId = await own.session();
      let isCalled = false;
      own.peer.answerers.set(sessionId, () => {
        isCalled = true;
        return { result: { output: "still here" } };
      });
      await own.run(sessionId, calling);
      demand(isCalled, "the old set is gone after an invalid one");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-004",
    sentence: "If the run is cancelled, the call is withdrawn, and a later answer changes nothing.",
    async check(kit) {
      const own = await kit.shared();
      await own.peer.result("setTools", { tools: [tool] });
      const sessionId = await own.session();
      own.peer.answerers.set(sessionId, () => undefined);
      const isIts = (message: unknown) =>
        isMembers(message) &&
        message.method === "callTool" &&
        membersOf(message, "params").sessionId === sessionId;
      const asked = own.peer.waitFor(isIts, "callTool");
      asked.catch(() => {});
      const runId = await own.send(sessionId, calling);
      const { id } = (await asked) as Members;
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      await own.peer.notice("$/cancelRequest", (params) => params.id === id, "$/cancelRequest");
      own.peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: { output: "late" } }));
      demandSame((await own.peer.completion(runId)).status, "cancelled", "the status");
    },
  },
];
