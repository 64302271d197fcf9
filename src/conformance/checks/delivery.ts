// Section 5 of protocol.md: completions. What needs a second start of the server is in durable.ts.

import { demand, demandSame } from "../checkFailure.js";
import { listOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { heldTurn, ready } from "./session.js";

const inSection = { section: 5, level: "MUST", group: "core", lane: "main" } as const;

export const delivery: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-DELIVERY-001",
    sentence:
      "**Exactly one** completion for every accepted run with a `runId`, and for every turn that began without one.",
    watches: "completions",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const params = { workspaceId: own.id, sessionId, prompt: "@say anonymous" };
      await own.peer.result("sendMessage", params);
      const done = await own.peer.notice("runComplete", (each) => each.sessionId === sessionId);
      demandSame([done.runId, done.status], [undefined, "succeeded"], "a turn without a runId");
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-005",
    sentence:
      "With `ackTimeoutMs`, an unacknowledged one is also sent again on the same connection after that long, then after twice as long, up to five minutes.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start({ initialize: { ackTimeoutMs: 250 } });
      const own = await kit.workspace(peer);
      const { completionId } = await own.run(await own.session(), "@say again");
      const attempts = () =>
        peer.notices.filter(({ params }) => params.completionId === completionId).length;
      const again = (attempt: number) =>
        peer.notice("runComplete", (each) => Number(each.attempt) >= attempt, `attempt ${attempt}`);
      await again(2);
      await again(3);
      await peer.result("acknowledge", { completionIds: [completionId] });
      const before = attempts();
      await kit.pause(1300);
      demandSame(attempts(), before, "deliveries after the acknowledgement");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-006",
    sentence: "Without acknowledging, a connection gets each once.",
    async check(kit) {
      const own = await kit.shared();
      const { completionId } = await own.run(await own.session(), "@say once");
      await kit.pause(300);
      const told = own.peer.notices.filter(({ params }) => params.completionId === completionId);
      demandSame(told.length, 1, "deliveries without ackTimeoutMs");
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-007",
    sentence:
      "On one connection, the first delivery of a completion never comes before that of one with a smaller `sequence` of the same session",
    watches: "completions",
  },
  {
    ...inSection,
    id: "TW-DELIVERY-008",
    sentence: "All other notifications of the turn, and its stored messages, come before it.",
    watches: "completions",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const done = await own.run(sessionId, "@chunks 20\n@tool ls {}\n@say the end");
      demandSame(done.text, "the end", "the text of the completion");
      const messageId = textOf(done, "messageId");
      const stored = await own.peer.result("getMessage", {
        workspaceId: own.id,
        sessionId,
        messageId,
      });
      const texts = listOf(stored, "parts").map((part) => textOf(part, "text"));
      demandSame(texts.join(""), "the end", "the message of the completion");
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-009",
    sentence: "A client that stops reading delays delivery, not the run, and costs bounded memory.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start();
      const own = await kit.workspace(peer);
      const sessionId = await own.session();
      peer.pipes.pause();
      const runId = `slow-${peer.clientId}`;
      const prompt = "@chunks 4000 1000\n@say read at last";
      const params = { workspaceId: own.id, sessionId, prompt, runId };
      const { answer } = peer.begin("sendMessage", params);
      await kit.pause(1000);
      peer.pipes.resume();
      await answer;
      const done = await peer.completion(runId);
      demandSame(done.status, "succeeded", "the status of a run that nobody read");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-010",
    sentence: "An acknowledged completion can still be read with [`getRun`](#getrun) for 7 days.",
    async check(kit) {
      const own = await kit.shared();
      const runId = await own.send(await own.session(), "@say kept");
      const { completionId } = await own.peer.completion(runId);
      const list = { completionIds: [completionId, "none"] };
      const answer = await own.peer.result("acknowledge", list);
      demandSame(answer, { acknowledged: [completionId], unknown: ["none"] }, "acknowledge");
      await own.peer.result("acknowledge", { completionIds: [completionId] });
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demand(run.state === "completed" && run.completion !== undefined, "getRun has no completion");
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-011",
    sentence: "[`waitRun`](#waitrun) waits for one, and acknowledges nothing.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@wait 50\n@say waited for");
      const done = await own.peer.result("waitRun", { workspaceId: own.id, runId });
      demand(JSON.stringify(done).includes("waited for"), "waitRun has no completion");
      const pending = await own.peer.result("listPendingCompletions", { sessionId });
      const ids = listOf(pending, "completions").map((each) => textOf(each, "runId"));
      demandSame(ids, [runId], "the pending completions after waitRun");
      await own.peer.completion(runId);
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-015",
    sentence:
      "`steps` counts the model calls that were answered, including those of summaries and sub-tasks.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const one = await own.run(sessionId, "@say one call");
      const two = await own.run(sessionId, '@tool ls {"path":"."}\n@say two calls');
      demandSame([one.steps, two.steps], [1, 2], "the steps of one and of two calls");
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-016",
    sentence: "[`getRun`](#getrun) returns all of this also for a run that has not ended.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const { runId } = await heldTurn(own, sessionId, "@say done");
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame([run.state, run.steps], ["running", 1], "state and steps of a run that asks");
      await own.peer.result("cancelSession", place);
      const done = await own.peer.completion(runId);
      for (const name of ["contextTokens", "contextWindow"]) {
        demandSame(typeof run[name], typeof done[name], `${name} of a run that has not ended`);
      }
    },
  },
];
