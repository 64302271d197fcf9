// Section 4 of protocol.md: prompts, the queue, and cancels.

import { demand, demandSame } from "../checkFailure.js";
import { listOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { heldTurn, long, ready, saidIn } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;
export const runs: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-RUN-001",
    sentence: "[`sendMessage`](#sendmessage) never waits for the model.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, long);
      await own.peer.result("cancelSession", place);
      await own.peer.completion(runId);
    },
  },
  {
    ...inSection,
    id: "TW-RUN-002",
    sentence: "It checks, in this order: `WorkspaceNotFound`, `AgentNotInitialized`, `EmptyPrompt`",
    async check(kit) {
      const { own, place } = await ready(kit);
      const refused = (more: object, name: string) =>
        own.peer.refused("sendMessage", { ...place, prompt: "@say no", ...more }, name);
      await refused({ workspaceId: "none", prompt: " " }, "WorkspaceNotFound");
      const { id } = await own.peer.result("createWorkspace", { path: kit.newFolder() });
      await refused({ workspaceId: id, prompt: " " }, "AgentNotInitialized");
      await refused({ prompt: " \n", sessionId: "" }, "EmptyPrompt");
      await refused({ sessionId: "" }, "SessionMissing");
      await refused({ sessionId: "none" }, "SessionNotFound");
    },
  },
  {
    ...inSection,
    id: "TW-RUN-003",
    sentence:
      "From there on it belongs to the workspace and not to the request; cancelling or forgetting the request changes nothing.",
    async check(kit) {
      const { own, place } = await ready(kit);
      const runId = `kept-${own.peer.clientId}`;
      const params = { ...place, prompt: "@wait 50\n@say kept", runId };
      const { id, answer } = own.peer.begin("sendMessage", params);
      await answer;
      own.peer.notify("$/cancelRequest", { id });
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the status");
    },
  },
  {
    ...inSection,
    id: "TW-RUN-004",
    sentence:
      "with the same session, prompt and options the answer is `{runId, duplicate: true, state}`, with others it is `RunIdConflict`.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, "@say once");
      await own.peer.completion(runId);
      const again = await own.peer.result("sendMessage", { ...place, prompt: "@say once", runId });
      demandSame([again.duplicate, again.state], [true, "completed"], "the second answer");
      const other = { ...place, prompt: "@say twice", runId };
      await own.peer.refused("sendMessage", other, "RunIdConflict");
      demandSame((await saidIn(own, sessionId)).length, 2, "the messages after a duplicate");
    },
  },
  {
    ...inSection,
    id: "TW-RUN-005",
    sentence: "A request that is refused leaves no trace of its `runId`.",
    async check(kit) {
      const { own, place } = await ready(kit);
      const runId = `refused-${own.peer.clientId}`;
      await own.peer.refused("sendMessage", { ...place, prompt: "", runId }, "EmptyPrompt");
      await own.peer.refused("getRun", { workspaceId: own.id, runId }, "RunNotFound");
      await own.peer.result("sendMessage", { ...place, prompt: "@say now", runId });
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the status");
    },
  },
  {
    ...inSection,
    id: "TW-RUN-006",
    sentence:
      "If a run fails after it was accepted, [`agentError`](#agenterror) and the completion report it.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const done = await own.run(sessionId, "@fail 401 no such key");
      demandSame([done.status, done.errorName], ["failed", "ProviderAuth"], "a run that fails");
      demand(textOf(done, "error") !== "", "the completion has no error for a person");
      demandSame(done.cause, "provider", "the cause of a run that the provider failed");
      demandSame((await own.run(sessionId, "@say on")).status, "succeeded", "the run after it");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-001",
    sentence: "A prompt for a busy session is queued.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const first = await own.send(sessionId, long);
      await own.begun(first);
      const runId = await own.send(sessionId, "@say 2");
      const { count } = await own.peer.result("queuedPrompts", place);
      demandSame(count, 1, "queuedPrompts");
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame(run.state, "queued", "the state of a prompt for a busy session");
      await own.peer.result("cancelSession", place);
      await own.peer.completion(runId);
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-002",
    sentence:
      "When the running turn reaches its next model call, the queued prompts that join (`whenBusy`) are folded into it, in order, as further user messages.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const { runId: first, release } = await heldTurn(own, sessionId, "@say done");
      for (const prompt of ["@say one", "@say two"]) {
        await own.peer.result("sendMessage", { ...place, prompt });
      }
      release();
      demandSame((await own.peer.completion(first)).foldedPrompts, 2, "foldedPrompts");
      const said = await saidIn(own, sessionId);
      const users = said.filter((text) => text.startsWith("user: ")).slice(1);
      demandSame(users, ["user: @say one", "user: @say two"], "the folded messages");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-003",
    sentence: "All other prompts wait and become turns of their own, in order.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const ids = [await own.send(sessionId, "@wait 200\n@say 0")];
      for (const text of ["1", "2", "3"]) ids.push(await own.send(sessionId, `@say ${text}`));
      await Promise.all(ids.map((runId) => own.peer.completion(runId)));
      const said = await saidIn(own, sessionId);
      const replies = said.filter((text) => text.startsWith("assistant: "));
      demandSame(
        replies,
        [0, 1, 2, 3].map((text) => `assistant: ${text}`),
        "the replies in order",
      );
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-004",
    sentence: "One turn at a time runs on a session; sessions run side by side.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const first = await own.send(sessionId, long);
      const other = await own.run(await own.session(), "@say beside");
      demandSame(other.status, "succeeded", "a run beside one that takes long");
      await own.peer.result("cancelSession", place);
      await own.peer.completion(first);
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-005",
    sentence:
      "[`pauseQueue`](#pausequeue) holds a session's queue: no prompt in it begins or joins a turn, and every new prompt is queued, even if nothing runs.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      await own.peer.result("pauseQueue", place);
      const runId = await own.send(sessionId, "@say held");
      await kit.pause(150);
      const held = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame(held.state, "queued", "the state of a prompt in a paused queue");
      await own.peer.result("resumeQueue", place);
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the status");
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-001",
    sentence:
      "[`cancelSession`](#cancelsession) stops the running turn, every prompt that is accepted but not yet running, and everything queued on that session.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const queued = await own.send(sessionId, "@say never");
      const { cancelled } = await own.peer.result("cancelSession", place);
      const ids = listOf({ cancelled }, "cancelled").map((each) => textOf(each, "runId"));
      demandSame(ids, [running, queued], "what cancelSession says that it cancelled");
      for (const runId of [running, queued]) {
        const done = await own.peer.completion(runId);
        demandSame([done.status, done.cancelled], ["cancelled", true], `the end of ${runId}`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-002",
    sentence:
      "A prompt accepted after the cancel is never touched by it, and cancelling an idle session does nothing, now or later.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      await own.peer.result("cancelSession", place);
      demandSame((await own.run(sessionId, "@say 1")).status, "succeeded", "after an idle cancel");
      const running = await own.send(sessionId, long);
      await own.peer.result("cancelSession", place);
      demandSame((await own.run(sessionId, "@say 2")).status, "succeeded", "after a cancel");
      await own.peer.completion(running);
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-003",
    sentence: "[`cancelRun`](#cancelrun) stops one run; others stay.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const [dropped, kept] = [
        await own.send(sessionId, "@say never"),
        await own.send(sessionId, "@say kept"),
      ];
      const cancel = (runId: string) =>
        own.peer.result("cancelRun", { workspaceId: own.id, runId });
      await cancel(dropped);
      await cancel(running);
      demandSame((await own.peer.completion(kept)).status, "succeeded", "the run that stays");
      for (const runId of [dropped, running]) {
        demandSame((await own.peer.completion(runId)).status, "cancelled", `the end of ${runId}`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-004",
    sentence: "If it has a `runId`, its completion says `neverRan: true`.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const queued = await own.send(sessionId, "@say never");
      await own.peer.result("clearQueue", place);
      const done = await own.peer.completion(queued);
      demandSame([done.status, done.neverRan], ["cancelled", true], "what was dropped");
      const said = await saidIn(own, sessionId);
      demand(!said.some((text) => text.includes("never")), "it left something in the session");
      await own.peer.result("cancelSession", place);
      await own.peer.completion(running);
    },
  },
  {
    ...inSection,
    id: "TW-CANCEL-005",
    sentence:
      "After a turn has succeeded, failed or been cancelled, the queued prompts run next, in order, except those that a cancel has dropped.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const failing = await own.send(sessionId, "@wait 150\n@fail 400 wrong");
      const next = await own.send(sessionId, "@say next");
      demandSame((await own.peer.completion(failing)).status, "failed", "the first");
      demandSame((await own.peer.completion(next)).status, "succeeded", "the second");
    },
  },
];
