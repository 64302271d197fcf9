// Section 4 of protocol.md, Options of a run.

import { demandSame } from "../checkFailure.js";
import { type Members, membersOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { long, ready } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;

/** For what needs options beside `whenBusy`: a server with a choice of models has them. */
const withOptions = { ...inSection, needs: ["listModels"] } as const;

export const options: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-OPTION-001",
    sentence:
      "`whenBusy` | what happens if the prompt would have to wait: it is queued (`queue`), it joins the running turn (`join`, see [The queue](#the-queue)), or it is refused with `SessionBusy` (`reject`).",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const reject = { ...place, prompt: "@say no", options: { whenBusy: "reject" } };
      await own.peer.refused("sendMessage", reject, "SessionBusy");
      const queued = { ...place, prompt: "@say 1", options: { whenBusy: "queue" } };
      await own.peer.result("sendMessage", queued);
      const { count } = await own.peer.result("queuedPrompts", place);
      demandSame(count, 1, "queuedPrompts after a prompt with whenBusy: queue");
      await own.peer.result("cancelSession", place);
      await own.peer.completion(running);
      const free = await own.run(sessionId, "@say now", { options: { whenBusy: "reject" } });
      demandSame(free.status, "succeeded", "a prompt with whenBusy: reject that need not wait");
    },
  },
  {
    ...inSection,
    id: "TW-OPTION-002",
    sentence: "No options and `{}` are the same.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, "@say once");
      await own.peer.completion(runId);
      const again = { ...place, prompt: "@say once", runId, options: {} };
      demandSame((await own.peer.result("sendMessage", again)).duplicate, true, "duplicate");
    },
  },
  {
    ...inSection,
    id: "TW-OPTION-003",
    sentence: "When a `runId` is sent again, the options as they were *sent* are compared too.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, "@say once", { options: { whenBusy: "queue" } });
      await own.peer.completion(runId);
      const again = { ...place, prompt: "@say once", runId };
      const same = { ...again, options: { whenBusy: "queue" } };
      demandSame((await own.peer.result("sendMessage", same)).duplicate, true, "duplicate");
      await own.peer.refused("sendMessage", again, "RunIdConflict");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-004",
    sentence:
      "They are compared as canonical JSON ([RFC 8785](https://www.rfc-editor.org/rfc/rfc8785)), so the order of their members does not matter.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const first = { limits: { steps: 5, tokens: 100_000 }, permissionMode: "deny" };
      const other = { permissionMode: "deny", limits: { tokens: 1e5, steps: 5 } };
      const runId = await own.send(sessionId, "@say once", { options: first });
      await own.peer.completion(runId);
      const again = { ...place, prompt: "@say once", runId, options: other };
      demandSame((await own.peer.result("sendMessage", again)).duplicate, true, "duplicate");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-005",
    sentence: "Members that this version does not know are compared.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const runId = await own.send(sessionId, "@say once", { options: { ofAnotherVersion: 1 } });
      await own.peer.completion(runId);
      const again = { ...place, prompt: "@say once", runId, options: { ofAnotherVersion: 2 } };
      await own.peer.refused("sendMessage", again, "RunIdConflict");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-006",
    sentence:
      "The options are fixed and stored when the run is accepted, and [`getRun`](#getrun) returns them.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const runId = await own.send(sessionId, "@say once", { options: { permissionMode: "deny" } });
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame(membersOf(run, "options").permissionMode, "deny", "the options of getRun");
      await own.peer.completion(runId);
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-007",
    sentence: "They hold for every run of the session that does not set its own.",
    async check(kit) {
      const { own } = await ready(kit);
      const defaults = { permissionMode: "deny" };
      const session = await own.peer.result("createSession", { workspaceId: own.id, defaults });
      const modeOf = async (more: object) => {
        const runId = await own.send(String(session.id), "@say once", more);
        await own.peer.completion(runId);
        const run: Members = await own.peer.result("getRun", { workspaceId: own.id, runId });
        return membersOf(run, "options").permissionMode;
      };
      demandSame(await modeOf({}), "deny", "the mode of a run without options");
      const options = { permissionMode: "plan" };
      demandSame(await modeOf({ options }), "plan", "the mode of a run with its own");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-008",
    sentence: "`join` beside any other option is `InvalidParams`.",
    async check(kit) {
      const { own, place } = await ready(kit);
      const options = { whenBusy: "join", permissionMode: "deny" };
      const params = { ...place, prompt: "@say no", options };
      await own.peer.refused("sendMessage", params, "InvalidParams");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-009",
    sentence:
      "`model` | the model, in the same form as for `setModel`; a model that is not configured is `ModelNotConfigured`",
    async check(kit) {
      const { own, place } = await ready(kit);
      const options = { model: { provider: "nobody", model: "nothing" } };
      const params = { ...place, prompt: "@say no", options };
      await own.peer.refused("sendMessage", params, "ModelNotConfigured");
    },
  },
];
