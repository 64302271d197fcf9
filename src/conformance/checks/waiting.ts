// Questions that wait for their client (protocol.md section 7), on servers that outlive connections.
import { demandSame } from "../checkFailure.js";
import type { Kit } from "../kit.js";
import { listOf, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { daemonOf, questionsOf } from "./daemon.js";

const inSection = {
  section: 7,
  level: "MUST",
  group: "daemon",
  lane: "own",
  needs: ["listPermissions", "answerPermission"],
} as const;

const written = { path: "asked.txt", content: "written" };
const script = `@tool write ${JSON.stringify(written)}\n@say done`;
const waiting = { permissionSeconds: 600 };

/** A run of a client whose questions wait, once it has asked. */
async function askedOnce(kit: Kit) {
  const { own, connect } = await daemonOf(kit, waiting);
  const sessionId = await own.session();
  const asked = questionsOf(own.peer, sessionId);
  const runId = await own.send(sessionId, script);
  const { permissionId } = membersOf(await asked, "params");
  return { own, connect, sessionId, runId, permissionId };
}

export const waitingQuestions: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-WAITING-001",
    sentence:
      "A question that waits is put again to each connection of the run's `clientId` that comes, and the first valid answer counts.",
    async check(kit) {
      const { own, connect, sessionId, runId, permissionId } = await askedOnce(kit);
      await own.peer.close();
      const stranger = await connect();
      const next = await connect({}, { initialize: null });
      const askedAgain = questionsOf(next, sessionId);
      await next.result("initialize", { protocolVersion: 1, clientId: own.peer.clientId });
      const second = await askedAgain;
      const again = membersOf(second, "params").permissionId;
      demandSame(again, permissionId, "the permissionId of a question that waited");
      next.send(JSON.stringify({ jsonrpc: "2.0", id: second.id, result: { decision: "allow" } }));
      demandSame((await next.completion(runId)).status, "succeeded", "the status");
      await Promise.all([next.close(), stranger.close()]);
    },
  },
  {
    ...inSection,
    id: "TW-WAITING-002",
    sentence:
      "`listPermissions` lists the open questions of the caller's `clientId`, and `answerPermission` answers one of them as the answer to `requestPermission` would.",
    async check(kit) {
      const { own, connect, runId, permissionId } = await askedOnce(kit);
      const listed = listOf(await own.peer.result("listPermissions"), "permissions");
      demandSame(
        listed.map((each) => textOf(each, "permissionId")),
        [permissionId],
        "the open questions",
      );
      const stranger = await connect();
      const others = listOf(await stranger.result("listPermissions"), "permissions");
      demandSame(others, [], "the open questions of another client");
      await own.peer.result("answerPermission", { permissionId, decision: "allow" });
      demandSame((await own.peer.completion(runId)).status, "succeeded", "the status");
      const left = listOf(await own.peer.result("listPermissions"), "permissions");
      demandSame(left, [], "the questions after the answer");
      await Promise.all([own.peer.close(), stranger.close()]);
    },
  },
  {
    ...inSection,
    id: "TW-WAITING-003",
    sentence:
      "`PermissionNotFound` is the answer where a question is another client's, was answered, withdrawn or replaced, or where its time is over.",
    async check(kit) {
      const { own, connect, sessionId, runId, permissionId } = await askedOnce(kit);
      const answer = { permissionId, decision: "deny" };
      const stranger = await connect();
      await stranger.refused("answerPermission", answer, "PermissionNotFound");
      await own.peer.result("answerPermission", answer);
      await own.peer.refused("answerPermission", answer, "PermissionNotFound");
      await own.peer.completion(runId);
      const withdrawn = questionsOf(own.peer, sessionId);
      const second = await own.send(sessionId, script);
      const cancelled = membersOf(await withdrawn, "params").permissionId;
      await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
      const late = { permissionId: cancelled, decision: "allow" };
      await own.peer.refused("answerPermission", late, "PermissionNotFound");
      demandSame((await own.peer.completion(second)).status, "cancelled", "the status");
      await Promise.all([own.peer.close(), stranger.close()]);
    },
  },
];
