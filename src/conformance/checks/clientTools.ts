// Section 7 of protocol.md, Tools of the client; and section 3, the search.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { ready } from "./session.js";

const withTools = {
  section: 7,
  level: "MUST",
  group: "core",
  lane: "main",
  needs: ["setTools"],
} as const;
const withSearch = { ...withTools, section: 3, needs: ["searchSessions"] } as const;

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

const tools: readonly Requirement[] = [
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

/** Sessions in a workspace of their own, each with what was said in it, newest last. */
async function sessionsThatSaid(kit: Kit, ...texts: readonly string[]) {
  const { own } = await ready(kit);
  const place = await kit.workspace(own.peer);
  const ids: string[] = [];
  for (const text of texts) {
    const sessionId = await place.session();
    ids.push(sessionId);
    await place.run(sessionId, `@say ${text}`);
  }
  const find = async (query: string) => {
    const params = { workspaceId: place.id, query };
    const { results } = await place.peer.result("searchSessions", params);
    return listOf({ results }, "results").map((each) => membersOf(each, "session").id);
  };
  return { place, ids, find };
}

const search: readonly Requirement[] = [
  {
    ...withSearch,
    id: "TW-SEARCH-001",
    sentence: "All words must be in one message or in the title.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "red apple", "red pear");
      demandSame(await find("pear red"), [ids[1]], "the sessions with both words");
      demandSame(await find("apple pear"), [], "the sessions with words of two sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-002",
    sentence: "Case and accents do not matter.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "Crème brûlée");
      demandSame(await find("CREME brulee"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-003",
    sentence: "A word of three characters or more is also found by its beginning.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "strawberry");
      demandSame(await find("straw"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-004",
    sentence: "Quotes and operators have no meaning.",
    async check(kit) {
      const { ids, find } = await sessionsThatSaid(kit, "kiwi OR melon");
      demandSame(await find('"kiwi" OR melon'), ids, "the sessions");
      demandSame(await find('kiwi OR "grape*" NOT ('), [], "the sessions without the words");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-005",
    sentence: "The answer has each session once, with its newest message that fits.",
    async check(kit) {
      const { place, ids, find } = await sessionsThatSaid(kit, "papaya");
      await place.run(String(ids[0]), "@say papaya once more");
      demandSame(await find("papaya"), ids, "the sessions");
    },
  },
  {
    ...withSearch,
    id: "TW-SEARCH-006",
    sentence: "Deleted sessions are not found.",
    async check(kit) {
      const { place, ids, find } = await sessionsThatSaid(kit, "lychee", "lychee too");
      const params = { workspaceId: place.id, sessionId: ids[0] };
      await place.peer.result("deleteSession", params);
      demandSame(await find("lychee"), [ids[1]], "the sessions");
    },
  },
];

export const clientTools: readonly Requirement[] = [...tools, ...search];
