// Section 4 of protocol.md: queues that outlive their server, and queues between two servers.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { newPlace, openFirst, type Place, reconnect, second } from "./place.js";
import { hasJoined, heldTurn, long, note } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "durable", lane: "own" } as const;
const ofTwo = { ...inSection, group: "shared", needs: ["listQueue"] } as const;

/** A paused queue with a prompt that has a `runId` and an attachment, and one that has neither. */
async function pausedQueue(own: Workspace) {
  const sessionId = await own.session();
  const place = { workspaceId: own.id, sessionId };
  await own.peer.result("pauseQueue", place);
  const runId = await own.send(sessionId, "@say with a name", { attachments: [note] });
  await own.peer.result("sendMessage", { ...place, prompt: "@say without" });
  return { sessionId, place, runId };
}

/** A second server of the same client that has opened the workspace. */
async function secondOf(kit: Kit, place: Place, own: Workspace): Promise<Workspace> {
  const peer = await second(kit, place, { clientId: own.peer.clientId });
  return kit.workspace(peer, place.path);
}

function completionsIn(own: Workspace): readonly Members[] {
  const told = own.peer.notices.filter(({ method }) => method === "runComplete");
  return told.map(({ params }) => params);
}

const durable: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-QUEUE-018",
    endsServer: true,
    sentence: "This is also true after the loss of a server: then all of them are `interrupted`.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const sessionId = await own.session();
      const { runId: first, release } = await heldTurn(own, sessionId, long);
      const joined = await own.send(sessionId, "@say one", { options: { whenBusy: "join" } });
      release();
      await hasJoined(own, sessionId, "@say one");
      await own.peer.kill();
      const again = await reconnect(kit, place, own.peer.clientId);
      const [done, other] = [await again.completion(first), await again.completion(joined)];
      const ends = [done.status, other.status, membersOf(other, "joined").completionId];
      demandSame(ends, ["interrupted", "interrupted", done.completionId], "the ends of both runs");
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-020",
    endsServer: true,
    needs: ["listQueue", "moveQueued"],
    sentence:
      "A new order is on disk before the request is answered. If the server dies, the queue's runs are reported as `interrupted` in this order.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const sessionId = await own.session();
      const running = await own.send(sessionId, long);
      await own.begun(running);
      const [one, two] = [await own.send(sessionId, "@say 1"), await own.send(sessionId, "@say 2")];
      const target = { workspaceId: own.id, sessionId };
      const entries = listOf(await own.peer.result("listQueue", target), "entries");
      const queueId = textOf(
        entries.find((each) => textOf(each, "runId") === one),
        "queueId",
      );
      await own.peer.result("moveQueued", { ...target, queueId });
      await own.peer.kill();
      const again = await reconnect(kit, place, own.peer.clientId);
      for (const runId of [running, two, one]) await again.completion(runId);
      const told = again.notices.filter(({ method }) => method === "runComplete");
      const order = told.map(({ params }) => params.runId);
      demandSame(order, [running, two, one], "the order of the interrupted runs");
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-022",
    needs: ["listQueue"],
    sentence:
      "A pause is on disk. The prompts in a paused queue are on disk too, with their attachments, with a `runId` and without. They stay when the server ends or dies: they remain `queued`, get no completion, and do not begin until somebody resumes the queue.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const { sessionId, place: target, runId } = await pausedQueue(own);
      await own.peer.kill();
      const peer = await reconnect(kit, place, own.peer.clientId);
      const again = await kit.workspace(peer, place.path);
      const queue = await peer.result("listQueue", target);
      const prompts = listOf(queue, "entries").map((each) => textOf(each, "prompt"));
      const expected = [true, ["@say with a name", "@say without"]];
      demandSame([queue.paused, prompts], expected, "the queue after its server died");
      const { state } = await peer.result("getRun", { workspaceId: again.id, runId });
      demandSame(state, "queued", "the state of a prompt that waits in it");
      demandSame(completionsIn(again).length, 0, "the completions before it is resumed");
      await peer.result("resumeQueue", target);
      demandSame((await peer.completion(runId)).status, "succeeded", "the run after a resume");
      const page = await peer.result("listMessages", { workspaceId: again.id, sessionId });
      for (const kept of [note.name, "@say without"]) {
        demand(JSON.stringify(page).includes(kept), `${kept} is not in the session`);
      }
      await peer.close();
    },
  },
];

const shared: readonly Requirement[] = [
  {
    ...ofTwo,
    id: "TW-SHARED-004",
    sentence:
      "While a server lives that has changed the queue last, or has accepted a prompt into it, the queue belongs to that server. The other servers answer `SessionBusy`.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const other = await secondOf(kit, place, own);
      const { place: target } = await pausedQueue(own);
      await other.peer.refused("resumeQueue", target, "SessionBusy");
      const prompt = { ...target, prompt: "@say no", runId: "of-the-other" };
      await other.peer.refused("sendMessage", prompt, "SessionBusy");
      await Promise.all([other.peer.close(), own.peer.close()]);
    },
  },
  {
    ...ofTwo,
    id: "TW-SHARED-005",
    endsServer: true,
    sentence:
      "After that, the queue belongs to the first server that changes it, sends to its session or cancels there.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const other = await secondOf(kit, place, own);
      const { place: target, runId } = await pausedQueue(own);
      await own.peer.close();
      await other.peer.result("resumeQueue", target);
      demandSame((await other.peer.completion(runId)).status, "succeeded", "the status");
      await other.peer.close();
    },
  },
  {
    ...ofTwo,
    id: "TW-SHARED-006",
    sentence:
      "Listing a queue does not take it over. `listQueue` is `SessionBusy` only if another living server has a queue that is not paused, because such a queue is in the memory of that server.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const other = await secondOf(kit, place, own);
      const { place: target, runId } = await pausedQueue(own);
      const listed = listOf(await other.peer.result("listQueue", target), "entries");
      demandSame(listed.filter(isMembers).length, 2, "the entries that the other server lists");
      await own.peer.result("resumeQueue", target);
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the run of its owner");
      const sessionId = await own.session();
      const running = await own.send(sessionId, long);
      await own.begun(running);
      await own.send(sessionId, "@say waits");
      const busy = { workspaceId: own.id, sessionId };
      await other.peer.refused("listQueue", busy, "SessionBusy");
      await Promise.all([other.peer.close(), own.peer.close()]);
    },
  },
];

export const queueOnDisk: readonly Requirement[] = [...durable, ...shared];
