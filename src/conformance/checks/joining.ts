// Section 4 of protocol.md, The queue: prompts that join the running turn.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit } from "../kit.js";
import { isMembers, listOf, type Members, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { hasJoined, heldTurn, ready } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;

/** A turn with two prompts that have joined it; gives the completions of all three. */
async function joinedTurn(kit: Kit) {
  const { own, sessionId } = await ready(kit);
  const { runId: first, release } = await heldTurn(own, sessionId, "@say done");
  const options = { whenBusy: "join" };
  const joined = [
    await own.send(sessionId, "@say one", { options }),
    await own.send(sessionId, "@say two", { options }),
  ];
  release();
  const done = await own.peer.completion(first);
  const others = await Promise.all(joined.map((runId) => own.peer.completion(runId)));
  return { own, done, others };
}

export const joining: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-QUEUE-013",
    sentence:
      "They have the same `status`, `text`, `messageId`, `output` and `error`. The completion of a joined run has `joined: {completionId, runId?}`, which names the turn's completion. It has no `usage`, `denials` and `warnings`, and its `steps` are 0: these are told once, by the turn's completion.",
    async check(kit) {
      const { done, others } = await joinedTurn(kit);
      const same = ({ status, text, messageId, output, error }: Members) => [
        status,
        text,
        messageId,
        output,
        error,
      ];
      for (const other of others) {
        demandSame(same(other), same(done), "a run that joined");
        const { joined, usage, denials, warnings, steps } = other;
        const named = isMembers(joined) ? [joined.completionId, joined.runId] : joined;
        demandSame(named, [done.completionId, done.runId], "joined");
        const told = [usage, denials, warnings, steps];
        demandSame(told, [undefined, undefined, undefined, 0], "what a joined run tells");
      }
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-014",
    sentence: "[`cancelRun`](#cancelrun) on it stops nothing: the outcome is `joined`.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const rest = "@wait 1000\n@say done";
      const { runId: first, release } = await heldTurn(own, sessionId, rest);
      const runId = await own.send(sessionId, "@say one", { options: { whenBusy: "join" } });
      release();
      await hasJoined(own, sessionId, "@say one");
      const { outcome } = await own.peer.result("cancelRun", { workspaceId: own.id, runId });
      demandSame(outcome, "joined", "the outcome of cancelRun");
      demandSame((await own.peer.completion(first)).status, "succeeded", "the turn's status");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-015",
    sentence: "From then on a run that has a `runId` is `running`.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const { runId: first, release } = await heldTurn(own, sessionId, "@wait 60000");
      const runId = await own.send(sessionId, "@say one", { options: { whenBusy: "join" } });
      const run = () => own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame((await run()).state, "queued", "the state before it joins");
      release();
      await hasJoined(own, sessionId, "@say one");
      demandSame((await run()).state, "running", "the state of a run that has joined");
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      await own.peer.completion(first);
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-016",
    sentence:
      "When the turn ends, its completion and one completion for each joined `runId`, in the order of acceptance, are written in one transaction.",
    async check(kit) {
      const { done, others } = await joinedTurn(kit);
      const sequences = [done, ...others].map(({ sequence }) => Number(sequence));
      const inOrder = sequences.toSorted((one, other) => one - other);
      demandSame(sequences, inOrder, "the sequences of a turn and of the runs that joined it");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-017",
    sentence: "A joined prompt without a `runId` has no completion of its own.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const { runId: first, release } = await heldTurn(own, sessionId, "@say done");
      await own.peer.result("sendMessage", { ...place, prompt: "@say without a name" });
      release();
      await own.peer.completion(first);
      await own.run(sessionId, "@say the next");
      const nameless = own.peer.notices.some(
        ({ method, params }) =>
          method === "runComplete" && params.sessionId === sessionId && params.runId === undefined,
      );
      demand(!nameless, "a prompt that joined has a completion of its own");
    },
  },
  {
    ...inSection,
    id: "TW-OPTION-013",
    sentence:
      "The default is `join` for a prompt without a `runId` and without options, and `queue` for every other prompt.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const { runId: first, release } = await heldTurn(own, sessionId, "@say done");
      await own.peer.result("sendMessage", { ...place, prompt: "@say joins" });
      const queued = await own.send(sessionId, "@say waits");
      release();
      const [done, other] = [await own.peer.completion(first), await own.peer.completion(queued)];
      const told = [done.foldedPrompts, other.joined, other.text];
      demandSame(told, [1, undefined, "waits"], "a prompt without and one with a runId");
    },
  },
  {
    ...inSection,
    id: "TW-OPTION-014",
    needs: ["listModels"],
    sentence: "If the session's defaults say `join`, a run with options of its own is queued",
    async check(kit) {
      const { own } = await ready(kit);
      const params = { workspaceId: own.id, defaults: { whenBusy: "join" } };
      const sessionId = textOf(await own.peer.result("createSession", params), "id");
      const { runId: first, release } = await heldTurn(own, sessionId, "@say done");
      const joins = await own.send(sessionId, "@say joins");
      const queued = await own.send(sessionId, "@say waits", { options: { limits: { steps: 5 } } });
      release();
      const [done, one, other] = await Promise.all(
        [first, joins, queued].map((runId) => own.peer.completion(runId)),
      );
      demand(isMembers(one?.joined), "a run without options has not joined");
      const told = [done?.foldedPrompts, other?.joined, other?.text];
      demandSame(told, [1, undefined, "waits"], "a run with options of its own");
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-007",
    sentence:
      "If the turn is stopped, the runs that have joined it end with it; `cancelSession` names them as `running`.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const { runId: first, release } = await heldTurn(own, sessionId, "@wait 60000");
      const joined = await own.send(sessionId, "@say one", { options: { whenBusy: "join" } });
      release();
      await hasJoined(own, sessionId, "@say one");
      const answer = await own.peer.result("cancelSession", place);
      const named = listOf(answer, "cancelled").filter(isMembers);
      demandSame(
        named.map(({ runId, was }) => [runId, was]),
        [first, joined].map((runId) => [runId, "running"]),
        "what cancelSession names",
      );
      for (const runId of [first, joined]) {
        demandSame((await own.peer.completion(runId)).status, "cancelled", `the end of ${runId}`);
      }
    },
  },
];
