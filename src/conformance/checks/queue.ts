// Section 4 of protocol.md, The queue: its entries, and its pause.

import { demand, demandSame } from "../checkFailure.js";
import type { Kit, Workspace } from "../kit.js";
import { isMembers, listOf, type Members, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { long, note, ready, saidIn } from "./session.js";

const inSection = { section: 4, level: "MUST", group: "core", lane: "main" } as const;
const withEntries = { ...inSection, needs: ["listQueue"] } as const;

interface Queue {
  readonly own: Workspace;
  readonly sessionId: string;
  readonly place: object;
  /** The running turn, which ends only when it is cancelled. */
  readonly running: string;
  /** The runs that wait, in order. */
  readonly waiting: readonly string[];
  entries(): Promise<readonly Members[]>;
  /** The entry of a run that waits. */
  idOf(runId: string | undefined): Promise<string>;
  /** Sends one more prompt, which waits. */
  add(prompt: string, more?: object): Promise<void>;
  /** Ends the running turn, and resolves when all that waited has ended. */
  finish(): Promise<readonly Members[]>;
}

async function queueOf(kit: Kit, ...prompts: readonly string[]): Promise<Queue> {
  const { own, sessionId, place } = await ready(kit);
  const running = await own.send(sessionId, long);
  await own.begun(running);
  const waiting: string[] = [];
  const add = async (prompt: string, more: object = {}) => {
    waiting.push(await own.send(sessionId, prompt, more));
  };
  for (const prompt of prompts) await add(prompt);
  const entries = async () =>
    listOf(await own.peer.result("listQueue", place), "entries").filter(isMembers);
  const idOf = async (runId: string | undefined) => {
    const entry = (await entries()).find((each) => each.runId === runId);
    demand(entry !== undefined, `listQueue has no entry for ${runId}`);
    return textOf(entry, "queueId");
  };
  const finish = async () => {
    await own.peer.result("cancelRun", { workspaceId: own.id, runId: running });
    return Promise.all(waiting.map((runId) => own.peer.completion(runId)));
  };
  return { own, sessionId, place, running, waiting, entries, idOf, add, finish };
}

export const queue: readonly Requirement[] = [
  {
    ...withEntries,
    id: "TW-QUEUE-006",
    sentence:
      "[`listQueue`](#listqueue) returns the waiting prompts in their order, and says whether the queue is paused.",
    async check(kit) {
      const { own, place, waiting, entries, finish } = await queueOf(kit, "@say 1", "@say 2");
      const listed = (await entries()).map(({ runId, prompt }) => [runId, prompt]);
      const expected = waiting.map((runId, index) => [runId, `@say ${index + 1}`]);
      demandSame(listed, expected, "the entries of listQueue");
      demandSame((await own.peer.result("listQueue", place)).paused, false, "paused");
      await own.peer.result("pauseQueue", place);
      demandSame((await own.peer.result("listQueue", place)).paused, true, "paused after a pause");
      await own.peer.result("resumeQueue", place);
      await finish();
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-007",
    sentence: "[`editQueued`](#editqueued) replaces a prompt's text.",
    async check(kit) {
      const { own, place, waiting, idOf, finish } = await queueOf(kit, "@say before");
      const queueId = await idOf(waiting[0]);
      await own.peer.result("editQueued", { ...place, queueId, prompt: "@say after" });
      demandSame(
        (await finish()).map(({ text }) => text),
        ["after"],
        "what was said",
      );
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-008",
    sentence:
      "If its `runId` is sent again, it is still compared with the text that was sent first.",
    async check(kit) {
      const { own, place, waiting, idOf, finish } = await queueOf(kit, "@say before");
      const [runId] = waiting;
      const queueId = await idOf(runId);
      await own.peer.result("editQueued", { ...place, queueId, prompt: "@say after" });
      const again = { ...place, runId, prompt: "@say before" };
      demandSame((await own.peer.result("sendMessage", again)).duplicate, true, "duplicate");
      const edited = { ...again, prompt: "@say after" };
      await own.peer.refused("sendMessage", edited, "RunIdConflict");
      await finish();
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-009",
    sentence: "[`moveQueued`](#movequeued) moves an entry before another one, or to the end.",
    async check(kit) {
      const queue = await queueOf(kit, "@say 1", "@say 2", "@say 3");
      const { own, place, waiting, entries, idOf, finish } = queue;
      const [first, second, third] = waiting;
      const before = await idOf(first);
      await own.peer.result("moveQueued", { ...place, queueId: await idOf(third), before });
      await own.peer.result("moveQueued", { ...place, queueId: await idOf(first) });
      const order = (await entries()).map(({ runId }) => runId);
      demandSame(order, [third, second, first], "the order after two moves");
      await finish();
      const said = (await saidIn(own, queue.sessionId)).filter((text) => /: \d$/.test(text));
      demandSame(said, ["assistant: 3", "assistant: 2", "assistant: 1"], "what was said");
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-010",
    sentence: "[`removeQueued`](#removequeued) drops one entry; `clearQueue` drops all.",
    async check(kit) {
      const { own, place, waiting, idOf, finish } = await queueOf(kit, "@say 1", "@say 2");
      await own.peer.result("removeQueued", { ...place, queueId: await idOf(waiting[0]) });
      const ends = (await finish()).map(({ status, neverRan }) => [status, neverRan === true]);
      const expected = [
        ["cancelled", true],
        ["succeeded", false],
      ];
      demandSame(ends, expected, "the ends of a dropped and a kept entry");
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-011",
    sentence: "An entry that has begun, has joined a turn or has ended is `QueueEntryNotFound`.",
    async check(kit) {
      const { own, place, waiting, idOf, finish } = await queueOf(kit, "@say 1");
      const queueId = await idOf(waiting[0]);
      await finish();
      await own.peer.refused("removeQueued", { ...place, queueId }, "QueueEntryNotFound");
      await own.peer.refused("moveQueued", { ...place, queueId }, "QueueEntryNotFound");
      const edit = { ...place, queueId, prompt: "@say late" };
      await own.peer.refused("editQueued", edit, "QueueEntryNotFound");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-012",
    sentence: "`cancelSession` and `clearQueue` drop the queued prompts and keep the pause.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      await own.peer.result("pauseQueue", place);
      for (const method of ["cancelSession", "clearQueue"]) {
        const dropped = await own.send(sessionId, "@say never");
        await own.peer.result(method, place);
        const { status } = await own.peer.completion(dropped);
        demandSame(status, "cancelled", `the status after ${method}`);
        const kept = await own.send(sessionId, "@say held");
        const run = await own.peer.result("getRun", { workspaceId: own.id, runId: kept });
        demandSame(run.state, "queued", `the state of a prompt after ${method} on a paused queue`);
      }
      await own.peer.result("cancelSession", place);
      await own.peer.result("resumeQueue", place);
    },
  },
  {
    ...withEntries,
    id: "TW-QUEUE-019",
    sentence: "Its attachments stay.",
    async check(kit) {
      const { own, sessionId, place, waiting, idOf, finish, add } = await queueOf(kit);
      await add("@say before", { attachments: [note] });
      const queueId = await idOf(waiting[0]);
      await own.peer.result("editQueued", { ...place, queueId, prompt: "@say after" });
      await finish();
      const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
      const edited = listOf(page, "messages").find((each) =>
        JSON.stringify(each).includes("@say after"),
      );
      demand(edited !== undefined, "the edited prompt is not in the session");
      demand(JSON.stringify(edited).includes(note.name), "its attachment is gone");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-021",
    sentence: "The running turn goes on.",
    async check(kit) {
      const { own, sessionId, place } = await ready(kit);
      const running = await own.send(sessionId, "@wait 200\n@say to the end");
      await own.begun(running);
      await own.peer.result("pauseQueue", place);
      const done = await own.peer.completion(running);
      demandSame([done.status, done.text], ["succeeded", "to the end"], "the turn during a pause");
    },
  },
  {
    ...inSection,
    id: "TW-QUEUE-023",
    needs: ["deleteSession"],
    sentence: '`deleteWorkspace` and `deleteSession` drop them (`cause: "deleted"`).',
    async check(kit) {
      const { peer } = await kit.shared();
      const own = await kit.workspace(peer);
      for (const method of ["deleteSession", "deleteWorkspace"]) {
        const sessionId = await own.session();
        const place = { workspaceId: own.id, sessionId };
        await peer.result("pauseQueue", place);
        const runId = await own.send(sessionId, "@say never");
        await peer.result(method, method === "deleteSession" ? place : { workspaceId: own.id });
        const { status, cause } = await peer.completion(runId);
        demandSame([status, cause], ["cancelled", "deleted"], `a paused prompt after ${method}`);
      }
    },
  },
];
