// The level `daemon` (protocol.md section 2): several connections to one server, which outlives them.
// Each start of the command on one data directory is one more connection.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, StartOptions, Workspace } from "../kit.js";
import { isMembers, listOf, type Members, membersOf, textOf } from "../message.js";
import type { Peer } from "../peer.js";
import type { Requirement } from "../requirement.js";

const inSection = { section: 2, level: "MUST", group: "daemon", lane: "own" } as const;
const ofTools = { ...inSection, section: 7, needs: ["setTools"] } as const;

/** One server, its first connection with a workspace, and further connections. */
export async function daemonOf(kit: Kit, ofFirst: object = {}) {
  const [dataDir, path] = [kit.newFolder(), kit.newFolder()];
  const connect = (initialize: object = {}, more: StartOptions = {}) =>
    kit.start({ dataDir, initialize, ...more });
  const first = await connect(ofFirst);
  const own = await kit.workspace(first, path);
  const again = () => connect({ clientId: first.clientId });
  const open = async (peer: Peer) => kit.workspace(peer, path);
  return { own, connect, again, open };
}

/** The questions of a session that a connection gets; none is answered by itself. */
export function questionsOf(peer: Peer, sessionId: string): Promise<Members> {
  peer.answerers.set(sessionId, () => undefined);
  const isIts = (message: unknown) =>
    isMembers(message) &&
    message.method === "requestPermission" &&
    membersOf(message, "params").sessionId === sessionId;
  return peer.waitFor(isIts, "the question") as Promise<Members>;
}

function has(peer: Peer, runId: string, method = ""): boolean {
  return peer.notices.some(
    (each) => each.params.runId === runId && (method === "" || each.method === method),
  );
}

/** Goes on with the run of a connection that has gone, on a new one of the same client. */
async function outlives(own: Workspace, again: () => Promise<Peer>, leave: () => Promise<void>) {
  const runId = await own.send(await own.session(), "@wait 1000\n@say outlived it");
  await own.begun(runId);
  await leave();
  const next = await again();
  const done = await next.completion(runId);
  demandSame([done.status, done.text], ["succeeded", "outlived it"], "the run that was left");
  await next.close();
}

const ends: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-DAEMON-001",
    sentence:
      "`shutdown` is answered when the completions that are due to the connection are written, and it ends no run.",
    async check(kit) {
      const { own, again } = await daemonOf(kit);
      const due = await own.run(await own.session(), "@say due");
      await outlives(own, again, async () => {
        await own.peer.result("shutdown");
        demand(has(own.peer, textOf(due, "runId"), "runComplete"), "a due completion is missing");
        own.peer.notify("exit", {});
        demandSame((await own.peer.end()).code, 0, "the exit code after shutdown and exit");
      });
    },
  },
  {
    ...inSection,
    id: "TW-DAEMON-002",
    sentence:
      "`exit`, the end of the input and a dead `processId` close the connection, and nothing else.",
    async check(kit) {
      const { own, again } = await daemonOf(kit);
      await outlives(own, again, async () => {
        own.peer.pipes.endInput();
        await own.peer.end();
      });
      const second = await daemonOf(kit);
      await outlives(second.own, second.again, () => second.own.peer.kill());
    },
  },
];

const workspaces: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-DAEMON-003",
    sentence:
      "`createWorkspace` takes a hold on the workspace for the connection, and `deleteWorkspace` gives it up: `closed` in its answer says whether the workspace closed.",
    async check(kit) {
      const { own, connect, open } = await daemonOf(kit);
      const other = await connect();
      await open(other);
      const params = { workspaceId: own.id };
      const first = await own.peer.result("deleteWorkspace", params);
      demandSame(first.closed, false, "closed, while another connection holds it");
      await other.result("getWorkspace", params);
      const last = await other.result("deleteWorkspace", params);
      demandSame(last.closed, true, "closed, when nobody holds it");
      await other.refused("getWorkspace", params, "WorkspaceNotFound");
      await Promise.all([own.peer.close(), other.close()]);
    },
  },
  {
    ...inSection,
    id: "TW-DAEMON-004",
    sentence:
      "A connection gets the events of the workspaces that it holds and of the sessions that it subscribed to, and no others.",
    async check(kit) {
      const { own, connect, open } = await daemonOf(kit);
      const [holder, stranger] = [await connect(), await connect()];
      await open(holder);
      const { runId } = await own.run(await own.session(), "@say for whom it concerns");
      const id = String(runId);
      await holder.notice("agentFinished", (params) => params.runId === id, "an event");
      demand(!has(holder, id, "runComplete"), "another client got the completion");
      await stranger.result("ping");
      demand(!has(stranger, id), "a connection that does not hold the workspace got its events");
      await Promise.all([own.peer.close(), holder.close(), stranger.close()]);
    },
  },
  {
    ...inSection,
    id: "TW-DAEMON-005",
    sentence:
      "`subscribe` answers with the session and the messages of the running turn in one step, so that the `offset` of the next delta fits.",
    async check(kit) {
      const { own, connect } = await daemonOf(kit);
      const watcher = await connect();
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@chunks 50\n@wait 2000\n@chunks 50");
      await own.peer.notice("messageDelta", (params) => params.runId === runId, "a delta");
      const place = { workspaceId: own.id, sessionId };
      const answer = await watcher.result("subscribe", place);
      demandSame(membersOf(answer, "session").id, sessionId, "the session that is subscribed to");
      const spoken = listOf(answer, "messages").findLast(
        (message) => textOf(message, "role") === "assistant",
      );
      const before = listOf(spoken, "parts").map((part) => textOf(part, "text").length);
      await own.peer.completion(runId);
      await watcher.notice("agentFinished", (params) => params.runId === runId, "the turn's end");
      const delta = watcher.notices.find(({ method }) => method === "messageDelta")?.params;
      const expected = before[Number(delta?.partIndex)] ?? 0;
      demandSame(delta?.offset, expected, "the offset of the first delta after subscribe");
      await Promise.all([own.peer.close(), watcher.close()]);
    },
  },
];

const questions: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-DAEMON-006",
    sentence:
      "A question goes to the connections of the run's `clientId` alone: the first valid answer counts, and it is withdrawn from the others with `$/cancelRequest`.",
    async check(kit) {
      const { own, connect, again, open } = await daemonOf(kit);
      const [same, other] = [await again(), await connect()];
      await Promise.all([open(same), open(other)]);
      const sessionId = await own.session();
      const asked = [questionsOf(own.peer, sessionId), questionsOf(same, sessionId)];
      let isAsked = false;
      other.answerers.set(sessionId, () => {
        isAsked = true;
        return undefined;
      });
      const input = JSON.stringify({ path: "asked.txt", content: "written" });
      const runId = await own.send(sessionId, `@tool write ${input}\n@say done`);
      const [mine, theirs] = await Promise.all(asked);
      const result = { decision: "allow" };
      same.send(JSON.stringify({ jsonrpc: "2.0", id: theirs?.id, result }));
      const isIts = (params: Members) => params.id === mine?.id;
      await own.peer.notice("$/cancelRequest", isIts, "$/cancelRequest");
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the status");
      demand(!isAsked, "another client was asked");
      await Promise.all([own.peer.close(), same.close(), other.close()]);
    },
  },
  {
    ...inSection,
    id: "TW-DAEMON-007",
    section: 5,
    sentence: "If a completion is due to several connections, each of them gets it.",
    async check(kit) {
      const { own, again, open } = await daemonOf(kit);
      const same = await again();
      await open(same);
      const runId = await own.send(await own.session(), "@say to both");
      const told = await Promise.all([own.peer.completion(runId), same.completion(runId)]);
      const [mine, theirs] = told.map(({ completionId }) => completionId);
      demandSame(theirs, mine, "the completion on the other connection");
      await Promise.all([own.peer.close(), same.close()]);
    },
  },
];

const tool = {
  name: "editorState",
  description: "What it shows.",
  inputSchema: { type: "object" },
};

/** The calls that a connection gets in a session; each is answered. */
function callsOf(peer: Peer, sessionId: string): readonly Members[] {
  const calls: Members[] = [];
  peer.answerers.set(sessionId, (question) => {
    calls.push(question);
    return { result: { output: "seen" } };
  });
  return calls;
}

const tools: readonly Requirement[] = [
  {
    ...ofTools,
    id: "TW-DAEMON-008",
    sentence: "The tools are offered to the runs of the same `clientId`.",
    async check(kit) {
      const { own, connect, open } = await daemonOf(kit);
      const other = await open(await connect());
      await own.peer.result("setTools", { tools: [tool] });
      const sessionId = await own.session();
      const calls = callsOf(own.peer, sessionId);
      const done = await other.run(sessionId, "@tool editorState {}\n@say done");
      const told = [calls.length, done.status];
      demandSame(told, [0, "succeeded"], "the calls of another client's run");
      await own.run(sessionId, "@tool editorState {}\n@say done");
      demandSame(calls.length, 1, "the calls of a run of the same client");
      await Promise.all([own.peer.close(), other.peer.close()]);
    },
  },
  {
    ...ofTools,
    id: "TW-DAEMON-009",
    sentence:
      "If several connections of the client have a tool of that name, the newest one is asked.",
    async check(kit) {
      const { own, again, open } = await daemonOf(kit);
      const newest = await open(await again());
      const sessionId = await own.session();
      for (const { peer } of [newest, own]) await peer.result("setTools", { tools: [tool] });
      const [older, newer] = [callsOf(own.peer, sessionId), callsOf(newest.peer, sessionId)];
      await own.run(sessionId, "@tool editorState {}\n@say done");
      demandSame([older.length, newer.length], [0, 1], "the calls of the older and the newer one");
      await Promise.all([own.peer.close(), newest.peer.close()]);
    },
  },
  {
    ...ofTools,
    id: "TW-DAEMON-010",
    sentence: "If that one has gone too, the call waits 10 seconds for the client to come back.",
    async check(kit) {
      const { own, again, open } = await daemonOf(kit);
      await own.peer.result("setTools", { tools: [tool] });
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@wait 500\n@tool editorState {}\n@say done");
      await own.begun(runId);
      await own.peer.close();
      await kit.pause(1500);
      const { peer } = await open(await again());
      const calls = callsOf(peer, sessionId);
      await peer.result("setTools", { tools: [tool] });
      demandSame((await peer.completion(runId)).status, "succeeded", "the status");
      demandSame(calls.length, 1, "the calls on the connection that came back");
      await peer.close();
    },
  },
];

export const daemon: readonly Requirement[] = [...ends, ...workspaces, ...questions, ...tools];
