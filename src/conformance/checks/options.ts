// Section 4 of protocol.md, Options of a run.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { demand, demandSame } from "../checkFailure.js";
import type { Workspace } from "../kit.js";
import { type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { long, ready } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;

/** For what needs options beside `whenBusy`: a server with a choice of models has them. */
const withOptions = { ...inSection, needs: ["listModels"] } as const;

/** The options of a run, as `getRun` tells them when it has ended. */
async function optionsOf(own: Workspace, sessionId: string, more: object): Promise<Members> {
  const runId = await own.send(sessionId, "@say once", more);
  await own.peer.completion(runId);
  return membersOf(await own.peer.result("getRun", { workspaceId: own.id, runId }), "options");
}

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
      const modeOf = async (more: object) =>
        (await optionsOf(own, textOf(session, "id"), more)).permissionMode;
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
  {
    ...withOptions,
    id: "TW-OPTION-010",
    sentence: "`createSession.defaults` has the same fields.",
    async check(kit) {
      const { own } = await ready(kit);
      const defaults = {
        permissionMode: "deny",
        instructions: "Be brief.",
        tools: { deny: ["fetch"] },
        limits: { steps: 9 },
      };
      const session = await own.peer.result("createSession", { workspaceId: own.id, defaults });
      const options = await optionsOf(own, textOf(session, "id"), {});
      for (const [name, value] of Object.entries(defaults)) {
        demandSame(options[name], value, `${name} of a run that has the session's defaults`);
      }
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-011",
    sentence:
      "Options belong to the run: they do not change the workspace, its other runs or the session's later runs.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      const before = await own.peer.result("getWorkspace", { workspaceId: own.id });
      const options = { permissionMode: "deny", limits: { steps: 9 } };
      demandSame((await optionsOf(own, sessionId, { options })).permissionMode, "deny", "its own");
      const { permissionMode, limits } = await optionsOf(own, sessionId, {});
      demandSame(permissionMode, undefined, "the mode of a later run without options");
      demand(membersOf({ limits }, "limits").steps !== 9, "a later run has its limits");
      const after = await own.peer.result("getWorkspace", { workspaceId: own.id });
      demandSame(after.permissionMode, before.permissionMode, "the mode of the workspace");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-012",
    sentence: "A queued run keeps its options.",
    async check(kit) {
      const { own, sessionId } = await ready(kit);
      let isAsked = false;
      own.peer.answerers.set(sessionId, () => {
        isAsked = true;
        return { result: { decision: "deny" } };
      });
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const options = { permissionMode: "deny" };
      const prompt = '@tool write {"path":"kept.txt","content":""}\n@say done';
      const queued = await own.send(sessionId, prompt, { options });
      await own.peer.result("cancelRun", { workspaceId: own.id, runId: running });
      await own.peer.completion(queued);
      demand(!isAsked, "a queued run with the mode deny asked");
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId: queued });
      demandSame(membersOf(run, "options").permissionMode, "deny", "the mode of a queued run");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-015",
    sentence: "The session's defaults and the bounds of the configuration are not compared.",
    async check(kit) {
      const { own } = await ready(kit);
      const defaults = { permissionMode: "deny" };
      const session = await own.peer.result("createSession", { workspaceId: own.id, defaults });
      const place = { workspaceId: own.id, sessionId: textOf(session, "id") };
      const runId = await own.send(place.sessionId, "@say once");
      await own.peer.completion(runId);
      const again = { ...place, prompt: "@say once", runId };
      demandSame((await own.peer.result("sendMessage", again)).duplicate, true, "duplicate");
      const named = { ...again, options: defaults };
      await own.peer.refused("sendMessage", named, "RunIdConflict");
    },
  },
  {
    ...withOptions,
    id: "TW-OPTION-016",
    sentence:
      "`tools` and `limits` of a run and of the session's defaults are merged member by member.",
    async check(kit) {
      const { own } = await ready(kit);
      const defaults = { limits: { steps: 9 }, tools: { deny: ["fetch"] } };
      const session = await own.peer.result("createSession", { workspaceId: own.id, defaults });
      const options = { limits: { tokens: 50_000 }, tools: { allow: ["read"] } };
      const merged = await optionsOf(own, textOf(session, "id"), { options });
      const { steps, tokens } = membersOf(merged, "limits");
      demandSame([steps, tokens], [9, 50_000], "steps and tokens of the merged limits");
      const { allow, deny } = membersOf(merged, "tools");
      demandSame([allow, deny], [["read"], ["fetch"]], "the merged rules of tools");
    },
  },
  {
    ...withOptions,
    id: "TW-RUN-008",
    sentence:
      "For a file that is attached by its `path`, only the path is compared, and not its present content.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const [path, other] = [`${sessionId}.txt`, `${sessionId}-2.txt`];
      for (const name of [path, other]) writeFileSync(join(own.path, name), "before");
      const attachments = [{ path }];
      const runId = await own.send(sessionId, "@say once", { attachments });
      await own.peer.completion(runId);
      writeFileSync(join(own.path, path), "after");
      const again = { ...place, prompt: "@say once", runId, attachments };
      demandSame((await own.peer.result("sendMessage", again)).duplicate, true, "duplicate");
      const another = { ...again, attachments: [{ path: other }] };
      await own.peer.refused("sendMessage", another, "RunIdConflict");
    },
  },
];
