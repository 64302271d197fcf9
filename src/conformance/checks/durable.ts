// What outlives a server (protocol.md sections 2, 5 and 9), and two servers on one directory.

import { demand, demandSame } from "../checkFailure.js";
import { isMembers, listOf, textOf } from "../message.js";
import type { Peer } from "../peer.js";
import type { Requirement } from "../requirement.js";
import { newPlace, openFirst, reconnect, second } from "./place.js";

const inSection = { section: 5, level: "MUST", group: "durable", lane: "own" } as const;

async function pendingRuns(peer: Peer): Promise<string[]> {
  const pending = await peer.result("listPendingCompletions");
  return listOf(pending, "completions").map((each) => textOf(each, "runId"));
}

const durable: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-DELIVERY-002",
    sentence:
      "A client that connects again with its `clientId`, to any server process on the same data directory, gets every unacknowledged one again, in order of `sequence`, after the answer to `initialize` and before any newer one.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const ids: string[] = [];
      for (const text of ["1", "2", "3"]) {
        const runId = await own.send(await own.session(), `@say ${text}`);
        ids.push(runId);
        await own.peer.completion(runId);
      }
      await own.peer.close();
      const again = await reconnect(kit, place, own.peer.clientId);
      for (const runId of ids) await again.completion(runId);
      const told = again.notices.filter(({ method }) => method === "runComplete");
      demandSame(
        told.map(({ params }) => params.runId),
        ids,
        "the runs told again",
      );
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-003",
    sentence: "It stays until [`acknowledge`](#acknowledge).",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const [taken, left] = [await own.session(), await own.session()];
      const { completionId } = await own.run(taken, "@say taken");
      const runId = await own.send(left, "@say left");
      await own.peer.completion(runId);
      await own.peer.result("acknowledge", { completionIds: [completionId] });
      await own.peer.kill();
      const again = await reconnect(kit, place, own.peer.clientId);
      demandSame(await pendingRuns(again), [runId], "what is pending after a restart");
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-004",
    sentence:
      "`completionId` is the same, and `attempt`, 1 at first, counts the deliveries over all connections.",
    watches: "completions",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const first = await own.run(await own.session(), "@say counted");
      await own.peer.close();
      const again = await reconnect(kit, place, own.peer.clientId);
      const next = await again.completion(textOf(first, "runId"));
      demandSame(
        [next.completionId, first.attempt, next.attempt],
        [first.completionId, 1, 2],
        "completionId and attempts",
      );
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-012",
    endsServer: true,
    section: 9,
    sentence:
      "Runs that a dead server left accepted, queued or running become `interrupted` completions, each session's in the order of its queue.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const sessionId = await own.session();
      const ids = [await own.send(sessionId, "@wait 60000")];
      await own.begun(ids[0] ?? "");
      for (const text of ["1", "2"]) ids.push(await own.send(sessionId, `@say ${text}`));
      await own.peer.kill();
      const again = await reconnect(kit, place, own.peer.clientId);
      for (const runId of ids) {
        const done = await again.completion(runId);
        demandSame([done.status, done.cause], ["interrupted", "crash"], `the end of ${runId}`);
        demandSame(done.warnings, undefined, "the warnings of an interrupted run");
      }
      const told = again.notices.filter(({ method }) => method === "runComplete");
      demandSame(
        told.map(({ params }) => params.runId),
        ids,
        "the order of the interrupted runs",
      );
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-013",
    section: 2,
    sentence: "Completions belong to it, and only it can acknowledge them.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const { runId, completionId } = await own.run(await own.session(), "@say mine");
      await own.peer.close();
      const other = await reconnect(kit, place, `other-${own.peer.clientId}`);
      demandSame(await pendingRuns(other), [], "what is pending for another client");
      const answer = await other.result("acknowledge", { completionIds: [completionId] });
      demandSame(answer.acknowledged, [], "what another client acknowledged");
      await kit.pause(200);
      const told = other.notices.filter(({ method }) => method === "runComplete");
      demandSame(told.length, 0, "the completions told to another client");
      await other.close();
      const again = await reconnect(kit, place, own.peer.clientId);
      await again.completion(String(runId));
      await again.close();
    },
  },
  {
    ...inSection,
    id: "TW-DELIVERY-014",
    section: 9,
    sentence: "a repeated `runId` is a duplicate for the life of the data directory",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@say once");
      await own.peer.completion(runId);
      await own.peer.kill();
      const again = await reconnect(kit, place, own.peer.clientId);
      await kit.workspace(again, place.path);
      const params = { workspaceId: own.id, sessionId, prompt: "@say once", runId };
      demandSame((await again.result("sendMessage", params)).duplicate, true, "duplicate");
      await again.close();
    },
  },
];

const shared: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-SHARED-001",
    section: 9,
    group: "shared",
    sentence:
      "A session runs in one server at a time: the others answer `SessionBusy`, which is retryable.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const other = await second(kit, place);
      await kit.workspace(other, place.path);
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@wait 60000");
      await own.begun(runId);
      const params = { workspaceId: own.id, sessionId, prompt: "@say no", runId: `${runId}-2` };
      const data = await other.refused("sendMessage", params, "SessionBusy");
      demandSame(data.retryable, true, "retryable");
      await other.close();
      const run = await own.peer.result("getRun", { workspaceId: own.id, runId });
      demandSame(run.state, "running", "the run of a living server");
      await own.peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-SHARED-002",
    section: 9,
    group: "shared",
    sentence:
      "It happens within seconds if a server that serves a client with a `clientId` has the directory open.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const other = await second(kit, place, { clientId: own.peer.clientId });
      const runId = await own.send(await own.session(), "@wait 60000");
      await own.begun(runId);
      await own.peer.kill();
      const done = await other.completion(runId);
      demandSame(done.status, "interrupted", "the end of a run whose server died");
      await other.close();
    },
  },
  {
    ...inSection,
    id: "TW-SHARED-003",
    section: 9,
    group: "shared",
    sentence: "The runs of a living server are never touched.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const runId = await own.send(await own.session(), "@wait 1500\n@say still mine");
      await own.begun(runId);
      const other = await second(kit, place, { clientId: `other-${own.peer.clientId}` });
      const done = await own.peer.completion(runId);
      demandSame(done.status, "succeeded", "the run of a living server");
      const told = other.notices.some(({ params }) => isMembers(params) && params.runId === runId);
      demand(!told, "another client was told of the run");
      await other.close();
      await own.peer.close();
    },
  },
];

export const acrossServers: readonly Requirement[] = [...durable, ...shared];
