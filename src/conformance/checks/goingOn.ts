// Section 4 of protocol.md, Going on after a loss: runs that outlive their server.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import { isMembers, listOf, textOf } from "../message.js";
import type { Peer } from "../peer.js";
import type { Requirement } from "../requirement.js";
import { newPlace, openFirst, type Place, reconnect } from "./place.js";
import { long } from "./session.js";

/** A server says that it lets runs go on by having what lists them without a workspace. */
const inSection = {
  section: 4,
  level: "MUST",
  group: "durable",
  lane: "own",
  endsServer: true,
  needs: ["listModels", "listRuns"],
} as const;

const options = { onServerLoss: "continue" } as const;

interface Left {
  readonly place: Place;
  readonly clientId: string;
  readonly session: { readonly workspaceId: string; readonly sessionId: string };
  /** One whose turn had begun, and one that was queued behind it. */
  readonly runIds: readonly [string, string];
}

/** Runs whose server was killed. They go on only where the variables of `env` are set. */
async function left(kit: Kit, env?: object): Promise<Left> {
  const place = newPlace(kit);
  const peer = await kit.start({ dataDir: place.dataDir });
  const own = await kit.workspace(peer, place.path, env && { env });
  const sessionId = await own.session();
  const first = await own.send(sessionId, long, { options });
  await own.begun(first);
  const runIds = [first, await own.send(sessionId, "@say next", { options })] as const;
  await peer.kill();
  const session = { workspaceId: own.id, sessionId };
  return { place, clientId: peer.clientId, session, runIds };
}

const again = (kit: Kit, { place, clientId }: Left): Promise<Peer> =>
  reconnect(kit, place, clientId);

async function statesOf(peer: Peer): Promise<unknown[]> {
  const runs = listOf(await peer.result("listRuns"), "runs").filter(isMembers);
  return runs.map(({ runId, state }) => [runId, state]).sort();
}

/** Resolves when a run has this state. */
async function comesTo(own: Workspace, runId: string, state: string): Promise<void> {
  const params = { workspaceId: own.id, runId };
  for (let look = 0; look < 100; look++) {
    if (textOf(await own.peer.result("getRun", params), "state") === state) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  demand(false, `the run ${runId} does not come to be ${state}`);
}

/** Ends the first of two runs that another server goes on with, and waits for both completions. */
async function endsOf(own: Workspace, [first, next]: Left["runIds"]) {
  await comesTo(own, first, "running");
  await own.peer.result("cancelRun", { workspaceId: own.id, runId: first });
  return [await own.peer.completion(first), await own.peer.completion(next)] as const;
}

export const goingOn: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-LOSS-001",
    sentence: "If its server dies or ends, the run is not ended: its state is `waiting`.",
    async check(kit) {
      const lost = await left(kit);
      const peer = await again(kit, lost);
      const expected = lost.runIds.map((runId) => [runId, "waiting"]).sort();
      demandSame(await statesOf(peer), expected, "the states of the runs");
      const pending = await peer.result("listPendingCompletions");
      demandSame(listOf(pending, "completions").length, 0, "how many of them have ended");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-LOSS-002",
    sentence: "It holds its session and keeps its place in the queue.",
    async check(kit) {
      const lost = await left(kit);
      const own = await kit.workspace(await again(kit, lost), lost.place.path);
      const last = await own.send(lost.session.sessionId, "@say last", { options });
      await endsOf(own, lost.runIds);
      await own.peer.completion(last);
      const told = own.peer.notices.filter(({ method }) => method === "runComplete");
      const order = told.map(({ params }) => params.runId);
      demandSame(order, [...lost.runIds, last], "the order of the completions");
      await own.peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-LOSS-003",
    sentence:
      "A `sendMessage` to such a session takes over first; in a server that cannot, it is `SessionBusy` with `data.waiting: true`.",
    async check(kit) {
      const lost = await left(kit, { TURNWIRE_CONFORMANCE: "1" });
      const own = await kit.workspace(await again(kit, lost), lost.place.path);
      const prompt = { ...lost.session, prompt: "@say no", runId: "refused" };
      const data = await own.peer.refused("sendMessage", prompt, "SessionBusy");
      demandSame(data.waiting, true, "data.waiting");
      await own.peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-LOSS-004",
    sentence:
      "The completion tells in `continuations` how often a server has gone on with the run.",
    async check(kit) {
      const lost = await left(kit);
      const own = await kit.workspace(await again(kit, lost), lost.place.path);
      const [first, next] = await endsOf(own, lost.runIds);
      const told = [first.status, first.continuations, next.status, next.continuations];
      demandSame(told, ["cancelled", 1, "succeeded", 1], "the ends of both runs");
      await own.peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-LOSS-005",
    sentence:
      "[`cancelRun`](#cancelrun), [`cancelSession`](#cancelsession), [`clearQueue`](#clearqueue), [`removeQueued`](#removequeued), [`deleteSession`](#deletesession) and [`deleteWorkspace`](#deleteworkspace) end waiting runs in any server that has the workspace open.",
    async check(kit) {
      for (const method of ["cancelSession", "deleteSession"]) {
        const lost = await left(kit, { TURNWIRE_CONFORMANCE: "1" });
        const own = await kit.workspace(await again(kit, lost), lost.place.path);
        const [first, next] = lost.runIds;
        const { workspaceId } = lost.session;
        await own.peer.result("cancelRun", { workspaceId, runId: next });
        demandSame((await own.peer.completion(next)).status, "cancelled", "the end by cancelRun");
        await own.peer.result(method, lost.session);
        demandSame((await own.peer.completion(first)).status, "cancelled", `the end by ${method}`);
        await own.peer.close();
      }
    },
  },
  {
    ...inSection,
    id: "TW-LOSS-006",
    sentence:
      "[`shutdown`](#shutdown) answers with their `runId`s, those included that have joined such a turn.",
    async check(kit) {
      const place = newPlace(kit);
      const own = await openFirst(kit, place);
      const sessionId = await own.session();
      const first = await own.send(sessionId, long, { options });
      await own.begun(first);
      const next = await own.send(sessionId, "@say next", { options });
      const { parked } = await own.peer.result("shutdown");
      demandSame(parked, [first, next], "`parked`");
      await own.peer.close();
      const peer = await reconnect(kit, place, own.peer.clientId);
      const expected = [first, next].map((runId) => [runId, "waiting"]).sort();
      demandSame(await statesOf(peer), expected, "the states of the runs");
      await peer.close();
    },
  },
];
