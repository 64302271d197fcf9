// Sections 6 to 8 and the reference: events, permissions, errors, and the shape of everything.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import { isMembers, type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";

const inSection = { section: 6, level: "MUST", group: "core", lane: "main" } as const;
const asking = { ...inSection, section: 7 } as const;

/** A prompt whose tool must ask before it writes this file. */
const writing = (name: string) =>
  `@tool write ${JSON.stringify({ path: name, content: "written" })}\n@say done`;

/** Runs such a prompt, and tells whether the file is there afterwards. */
async function hasWritten(own: Workspace, answer: unknown): Promise<boolean> {
  const sessionId = await own.session();
  const name = `${sessionId.replace(/\W/g, "")}.txt`;
  let asked: Members | undefined;
  own.peer.answerers.set(sessionId, (question) => {
    asked = question;
    return isMembers(answer) && "error" in answer ? { error: answer.error } : { result: answer };
  });
  await own.run(sessionId, writing(name));
  demand(asked !== undefined, "nothing was asked before a file was written");
  demandSame([asked.tool, asked.sessionId], ["write", sessionId], "what was asked");
  return existsSync(join(own.path, name));
}

/** Begins such a run, and gives its question and the id of the request when it has come. */
async function openQuestion(own: Workspace, sessionId: string) {
  own.peer.answerers.set(sessionId, () => undefined);
  const name = `${sessionId.replace(/\W/g, "")}.txt`;
  const isIts = (message: unknown) =>
    isMembers(message) &&
    message.method === "requestPermission" &&
    membersOf(message, "params").sessionId === sessionId;
  const asked = own.peer.waitFor(isIts, "the question");
  asked.catch(() => {});
  const runId = await own.send(sessionId, writing(name));
  const question = (await asked) as Members;
  return { runId, id: question.id, params: membersOf(question, "params"), name };
}

const events: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-EVENTS-001",
    sentence:
      "Each carries the `workspaceId`, and the `sessionId` and `runId` if it is about a session or a run.",
    watches: "events",
  },
  {
    ...inSection,
    id: "TW-EVENTS-002",
    sentence:
      "A delta's `offset` is the length, in UTF-16 units, of what came before it in that part.",
    watches: "deltas",
    async check(kit) {
      const own = await kit.shared();
      const done = await own.run(await own.session(), "@say 😀 ü\n@wait 100\n@chunks 30 10");
      const deltas = own.peer.notices
        .filter(({ method, params }) => method === "messageDelta" && params.runId === done.runId)
        .filter(({ params }) => params.messageId === done.messageId && params.kind === "text")
        .map(({ params }) => textOf(params, "delta"));
      demandSame(deltas.join(""), done.text, "the deltas, put together");
    },
  },
  {
    ...inSection,
    id: "TW-EVENTS-005",
    sentence: "A message of the model is told with `messageCreated` before its first delta.",
    async check(kit) {
      const own = await kit.shared();
      const done = await own.run(await own.session(), "@say told before");
      const its = own.peer.notices.filter(({ params }) => params.runId === done.runId);
      const created = its.findIndex(
        ({ method, params }) =>
          method === "messageCreated" && membersOf(params, "message").id === done.messageId,
      );
      const delta = its.findIndex(
        ({ method, params }) => method === "messageDelta" && params.messageId === done.messageId,
      );
      demand(created !== -1 && created < delta, "a delta came before its messageCreated");
    },
  },
  {
    ...inSection,
    id: "TW-EVENTS-003",
    sentence: "`optOutNotifications` names those that a client does not want.",
    lane: "own",
    async check(kit) {
      const unwanted = ["messageDelta", "messageUpdated", "runComplete"];
      const peer = await kit.start({ initialize: { optOutNotifications: unwanted } });
      const own = await kit.workspace(peer);
      const done = await own.run(await own.session(), "@say quietly");
      demandSame(done.status, "succeeded", "the status");
      const names = new Set(peer.notices.map(({ method }) => method));
      demand(
        !names.has("messageDelta") && !names.has("messageUpdated"),
        "it sends what is unwanted",
      );
      demand(names.has("messageCreated"), "it sends no messageCreated");
      await peer.close();
    },
  },
  {
    ...inSection,
    id: "TW-EVENTS-004",
    sentence:
      "When a slow client's buffer is full (1,024 events or 8 MiB), the oldest mergeable events go first, and [`eventsDropped`](#eventsdropped) says how many.",
    lane: "own",
    async check(kit) {
      const peer = await kit.start();
      const own = await kit.workspace(peer);
      const sessionId = await own.session();
      const runId = await own.send(sessionId, "@wait 100\n@chunks 12000 1000\n@say after it");
      peer.pipes.pause();
      await kit.pause(2000);
      peer.pipes.resume();
      await peer.completion(runId);
      const dropped = peer.notices.some(({ method }) => method === "eventsDropped");
      const units = peer.notices
        .filter(({ method }) => method === "messageDelta")
        .reduce((sum, { params }) => sum + textOf(params, "delta").length, 0);
      const whole = 12_000 * 1000 + "after it".length;
      demand(dropped || units >= whole, `${whole - units} units are lost, and no event says so`);
      await peer.close();
    },
  },
];

const permissions: readonly Requirement[] = [
  {
    ...asking,
    id: "TW-PERMISSION-001",
    sentence:
      "The server sends a request, and the client answers with one of its `choices`: `allow`, `allowForSession`, `allowAlways` or `deny`.",
    async check(kit) {
      const own = await kit.shared();
      demandSame(await hasWritten(own, { decision: "allow" }), true, "the file after allow");
      demandSame(await hasWritten(own, { decision: "deny" }), false, "the file after deny");
    },
  },
  {
    ...asking,
    id: "TW-PERMISSION-002",
    sentence: "No handler, an error, a malformed answer, or the client's going away is `deny`.",
    async check(kit) {
      const own = await kit.shared();
      const answers = [
        { decision: "yes" },
        "allow",
        null,
        { error: { code: -32601, message: "no handler" } },
      ];
      for (const answer of answers) {
        const told = `the file after ${JSON.stringify(answer)}`;
        demandSame(await hasWritten(own, answer), false, told);
      }
    },
  },
  {
    ...asking,
    id: "TW-PERMISSION-003",
    sentence:
      "A client that said `capabilities.requestPermission: false` is never asked: what would ask is denied at once.",
    lane: "own",
    async check(kit) {
      const capabilities = { requestPermission: false };
      const peer = await kit.start({ initialize: { capabilities } });
      const own = await kit.workspace(peer);
      const sessionId = await own.session();
      let isAsked = false;
      peer.answerers.set(sessionId, () => {
        isAsked = true;
        return undefined;
      });
      await own.run(sessionId, writing("never.txt"));
      demand(!isAsked, "it asks a client that cannot answer");
      demand(!existsSync(join(own.path, "never.txt")), "the file was written");
      await peer.close();
    },
  },
  {
    ...asking,
    id: "TW-PERMISSION-004",
    sentence: "Sessions ask side by side: one open question holds up no other session.",
    async check(kit) {
      const own = await kit.shared();
      const [first, second] = [await own.session(), await own.session()];
      const one = await openQuestion(own, first);
      const two = await openQuestion(own, second);
      const answer = (id: unknown) =>
        own.peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: { decision: "allow" } }));
      answer(two.id);
      await own.peer.completion(two.runId);
      answer(one.id);
      await own.peer.completion(one.runId);
      demand(existsSync(join(own.path, one.name)), "the file of the first question is missing");
    },
  },
  {
    ...asking,
    id: "TW-PERMISSION-005",
    sentence:
      "A turn that is cancelled withdraws its question with `$/cancelRequest`, and an answer that comes after that changes nothing.",
    check: (kit: Kit) => withdrawn(kit),
  },
];

async function withdrawn(kit: Kit): Promise<void> {
  const own = await kit.shared();
  const sessionId = await own.session();
  const { runId, id, name } = await openQuestion(own, sessionId);
  await own.peer.result("cancelSession", { workspaceId: own.id, sessionId });
  await own.peer.notice("$/cancelRequest", (params) => params.id === id, "$/cancelRequest");
  own.peer.send(JSON.stringify({ jsonrpc: "2.0", id, result: { decision: "allow" } }));
  demandSame((await own.peer.completion(runId)).status, "cancelled", "the status");
  demand(!existsSync(join(own.path, name)), "the file was written");
}

const shapes: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-ERROR-001",
    section: 8,
    sentence: "Every error has `data: {name, retryable, ...}`.",
    watches: "errors",
  },
  {
    ...inSection,
    id: "TW-ERROR-002",
    section: 8,
    sentence:
      "Branch on `name`: it is stable, while the codes of JSON-RPC itself are shared by several names.",
    watches: "errors",
  },
  {
    ...inSection,
    id: "TW-SHAPE-001",
    section: 11,
    sentence: "Each with an exchange in `ndjson`: what is sent, and what comes back.",
    watches: "results",
  },
  {
    ...inSection,
    id: "TW-SHAPE-002",
    section: 6,
    sentence: "All other events are sent as they happen, and may be lost",
    watches: "events",
  },
  {
    ...inSection,
    id: "TW-SHAPE-003",
    section: 5,
    sentence: "[`runComplete`](#runcomplete) is the one notification that is never lost.",
    watches: "completions",
  },
];

export const eventsAndMore: readonly Requirement[] = [...events, ...permissions, ...shapes];
