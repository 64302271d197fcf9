// Section 4 of protocol.md, Cancelling: what a cancel gives back, and what it leaves.

import { demand, demandSame } from "../checkFailure.js";
import { isMembers, listOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { heldTurn, long, note, ready } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;

/** Five of them are more than a cancel gives back. */
const largePrompt = `@say ${"x".repeat(240_000)}`;
const mostGivenBack = 1024 * 1024;

export const cancel: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-CANCEL-006",
    sentence:
      "The answers to `cancelSession` and [`clearQueue`](#clearqueue) return the texts of the dropped prompts that the caller's own `clientId` had sent, so that an editor can put them into its input box again.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const running = await own.send(sessionId, long);
      await own.begun(running);
      await own.send(sessionId, "@say 1");
      await own.send(sessionId, "@say 2");
      const { prompts } = await own.peer.result("clearQueue", place);
      demandSame(prompts, ["@say 1", "@say 2"], "the prompts in the answer to clearQueue");
      await own.send(sessionId, "@say 3");
      const answer = await own.peer.result("cancelSession", place);
      const told = listOf(answer, "cancelled").map((each) => textOf(each, "prompt"));
      demandSame(told, ["", "@say 3"], "the prompts in the answer to cancelSession");
      await own.peer.completion(running);
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-008",
    sentence:
      "They are in the order of the queue, at most 1 MiB in all, and `promptTruncated` tells if that was not enough.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      await own.peer.result("pauseQueue", place);
      await own.send(sessionId, "@say first");
      for (let left = 5; left > 0; left--) await own.send(sessionId, largePrompt);
      const answer = await own.peer.result("clearQueue", place);
      const prompts = listOf(answer, "prompts").map(String);
      demandSame(prompts[0], "@say first", "the first prompt that is given back");
      const bytes = prompts.reduce((sum, prompt) => sum + Buffer.byteLength(prompt), 0);
      demand(bytes <= mostGivenBack, `${bytes} bytes of prompts were given back`);
      demandSame(answer.promptTruncated, true, "promptTruncated");
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-009",
    needs: ["listModels"],
    sentence: "Attachments are not given back.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      await own.peer.result("pauseQueue", place);
      for (const method of ["clearQueue", "cancelSession"]) {
        await own.send(sessionId, "@say with a note", { attachments: [note] });
        const told = JSON.stringify(await own.peer.result(method, place));
        demand(told.includes("@say with a note"), `${method} does not give the prompt back`);
        demand(!told.includes(note.name), `${method} gives the attachment back: ${told}`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-010",
    sentence:
      "A cancel is valid from the moment of acceptance: also while the agent, a model list or a tool server is still starting, and while a permission is being asked, in which case the question is withdrawn.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, long);
      await own.peer.result("cancelSession", place);
      demandSame((await own.peer.completion(runId)).status, "cancelled", "a run just accepted");
      const { runId: asking, questionId } = await heldTurn(own, sessionId, "@say never");
      await own.peer.result("cancelSession", place);
      const isIts = (params: object) => "id" in params && params.id === questionId;
      await own.peer.notice("$/cancelRequest", isIts, "$/cancelRequest");
      demandSame((await own.peer.completion(asking)).status, "cancelled", "a run that asks");
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-011",
    sentence:
      "If a turn was cancelled before it began, the session keeps the user's message and an assistant message that finished with `cancelled`.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, long);
      await own.peer.result("cancelSession", place);
      await own.peer.completion(runId);
      const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
      const kept = listOf(page, "messages").map((message) => {
        const last = listOf(message, "parts").findLast(isMembers);
        return [textOf(message, "role"), textOf(last, "reason")];
      });
      const expected = [
        ["user", ""],
        ["assistant", "cancelled"],
      ];
      demandSame(kept, expected, "the messages and how they finished");
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-012",
    sentence: "Cancelling is no error.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, long);
      await own.begun(runId);
      await own.peer.result("cancelSession", place);
      const { errorName, error } = await own.peer.completion(runId);
      demandSame([errorName, error], [undefined, undefined], "errorName and error of a cancel");
      const isTold = own.peer.notices.some(
        ({ method, params }) => method === "agentError" && params.runId === runId,
      );
      demand(!isTold, "a cancelled run has an agentError");
    },
  },
];
