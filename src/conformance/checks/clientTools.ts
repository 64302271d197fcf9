// Section 7 of protocol.md, Tools of the client.

import { demand, demandSame } from "../checkFailure.js";
import type { Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { newPlace, openFirst, reconnect } from "./place.js";
import { heldTurn } from "./session.js";

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
async function called(own: Workspace, answer: object, tools: readonly object[] = [tool]) {
  await own.peer.result("setTools", { tools });
  const sessionId = await own.session();
  const calls: Members[] = [];
  own.peer.answerers.set(sessionId, (question) => {
    calls.push(question);
    return "error" in answer ? { error: answer.error } : { result: answer };
  });
  const done = await own.run(sessionId, calling);
  return { done, calls, result: await toolResultIn(own, sessionId) };
}

/** The first result of a tool that is stored in a session. */
async function toolResultIn(own: Workspace, sessionId: string): Promise<Members> {
  const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
  const result = listOf(page, "messages")
    .flatMap((message) => listOf(message, "parts"))
    .find((part) => textOf(part, "type") === "toolResult");
  return isMembers(result) ? result : {};
}

/** The next call of a tool in a session, which stays without an answer. */
function callIn(own: Workspace, sessionId: string): Promise<Members> {
  own.peer.answerers.set(sessionId, () => undefined);
  const isIts = (message: unknown) =>
    isMembers(message) &&
    message.method === "callTool" &&
    membersOf(message, "params").sessionId === sessionId;
  const asked = own.peer.waitFor(isIts, "callTool") as Promise<Members>;
  asked.catch(() => {});
  return asked;
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
      const asked = callIn(own, sessionId);
      const runId = await own.send(sessionId, calling);
      const { id } = await asked;
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      await own.peer.notice("$/cancelRequest", (params) => params.id === id, "$/cancelRequest");
      own.peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: { output: "late" } }));
      demandSame((await own.peer.completion(runId)).status, "cancelled", "the status");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-005",
    sentence: "[`setTools`](#settools) replaces the tools of this connection.",
    async check(kit) {
      const own = await kit.shared();
      await own.peer.result("setTools", { tools: [tool] });
      const other = { ...tool, name: "anotherTool" };
      const { calls, done } = await called(own, { output: "no" }, [other]);
      demandSame(
        [calls.length, done.status],
        [0, "succeeded"],
        "calls of a tool that was replaced",
      );
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-006",
    sentence: "An input schema has at most 64 KiB.",
    async check(kit) {
      const own = await kit.shared();
      const ofSize = (size: number) => ({
        tools: [{ ...tool, inputSchema: { type: "object", description: "x".repeat(size) } }],
      });
      await own.peer.result("setTools", ofSize(64_000));
      await own.peer.refused("setTools", ofSize(64 * 1024), "InvalidParams");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-007",
    sentence: "A turn keeps the set that it began with.",
    async check(kit) {
      const own = await kit.shared();
      await own.peer.result("setTools", { tools: [tool] });
      const sessionId = await own.session();
      const { runId, release } = await heldTurn(own, sessionId, calling);
      const names: string[] = [];
      own.peer.answerers.set(sessionId, (question) => {
        names.push(textOf(question, "name"));
        return { result: { output: "line 7" } };
      });
      await own.peer.result("setTools", { tools: [] });
      release();
      await own.peer.completion(runId);
      demandSame(names, ["editorState"], "the calls of a turn whose client has changed its tools");
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-008",
    sentence:
      "In each of these cases the model gets an error result, and the run goes on: the client has gone; it gives no answer for `limits.toolSeconds` (600 by default), and the call is withdrawn by `$/cancelRequest`; it answers with an error; it answers with an invalid result.",
    async check(kit) {
      const own = await kit.shared();
      const answers = [{ error: { code: -32000, message: "no" } }, { output: 7 }, {}];
      for (const answer of answers) {
        const { done, result } = await called(own, answer);
        const told = [result.isError, done.status, done.text];
        demandSame(told, [true, "succeeded", "done"], `after ${JSON.stringify(answer)}`);
      }
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-009",
    group: "durable",
    lane: "own",
    endsServer: true,
    sentence:
      "If the server dies, the result says that the run was interrupted, and the next run can go on.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      await own.peer.result("setTools", { tools: [tool] });
      const sessionId = await own.session();
      const asked = callIn(own, sessionId);
      await own.send(sessionId, calling);
      await asked;
      await own.peer.kill();
      const peer = await reconnect(kit, place, own.peer.clientId);
      const again = await kit.workspace(peer, place.path);
      const { status } = await again.run(sessionId, "@say next");
      demandSame(status, "succeeded", "the next run");
      const result = await toolResultIn(again, sessionId);
      demandSame(result.isError, true, "isError of the call that was cut off");
      await peer.close();
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-010",
    sentence:
      "These tools need no permission in the modes `ask` and `acceptEdits`, because the client can ask by itself.",
    async check(kit) {
      const { peer } = await kit.shared();
      for (const permissionMode of ["ask", "acceptEdits"]) {
        const own = await kit.workspace(peer, kit.newFolder(), { permissionMode });
        const { calls } = await called(own, { output: "line 7" });
        const names = calls.map((call) => textOf(call, "name"));
        demandSame(names, ["editorState"], `what was asked in the mode ${permissionMode}`);
      }
    },
  },
  {
    ...withTools,
    id: "TW-CLIENTTOOL-011",
    sentence: "The modes `deny` and `plan` hold for tools that are not `readOnly`.",
    async check(kit) {
      const { peer } = await kit.shared();
      for (const permissionMode of ["deny", "plan"]) {
        const own = await kit.workspace(peer, kit.newFolder(), { permissionMode });
        const writing = await called(own, { output: "no" });
        demandSame(writing.calls.length, 0, `calls in the mode ${permissionMode}`);
        const reading = await called(own, { output: "yes" }, [{ ...tool, readOnly: true }]);
        demandSame(reading.calls.length, 1, `calls of a tool that reads in ${permissionMode}`);
      }
    },
  },
];
