// Random histories over the wire: whatever clients do in whatever order, every accepted run with a
// `runId` ends once, in the order of its session, and no session is left with a queue and no turn.
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

let server: ServerProcess;
let first: WireSession;
let histories = 0;
beforeAll(async () => {
  server = startServer();
  first = await openSession(server);
});

const prompts = [
  "@say a",
  "@wait 3\n@say b",
  "@tool ls {}\n@say c",
  "@fail 400 no",
  "@chunks 40 9",
];
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("send"), prompt: fc.nat(4), named: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("cancel") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancelRun"), which: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("breathe") }) },
);
const history = fc.array(fc.record({ session: fc.nat(2), step, flush: fc.boolean() }), {
  minLength: 10,
  maxLength: 60,
});

it("every accepted `runId` ends exactly once, and every session comes to rest", async () => {
  await fc.assert(
    fc.asyncProperty(history, async (actions) => {
      const name = `h${++histories}`;
      const sessions = [await first.another(), await first.another(), await first.another()];
      const accepted: { runId: string; sessionId: string }[] = [];
      let waiting: string[] = [];
      const flush = () => {
        if (waiting.length > 0) server.send(...waiting);
        waiting = [];
      };
      for (const { session: index, step: one, flush: now } of actions) {
        const session = sessions[index] as WireSession;
        const { workspaceId, sessionId } = session;
        if (one.kind === "send" && "prompt" in one) {
          const runId = one.named ? `${name}-${accepted.length}` : undefined;
          if (runId !== undefined) accepted.push({ runId, sessionId });
          waiting.push(session.prompt(prompts[one.prompt] ?? "", runId));
        } else if (one.kind === "cancel") {
          waiting.push(server.request("cancelSession", session.ids));
        } else if (one.kind === "clear") {
          waiting.push(server.request("clearQueue", session.ids));
        } else if (one.kind === "cancelRun" && "which" in one) {
          const target = accepted[one.which % Math.max(1, accepted.length)];
          if (target !== undefined) {
            waiting.push(server.request("cancelRun", { workspaceId, runId: target.runId }));
          }
        } else {
          flush();
          await server.settle();
        }
        if (now) flush();
      }
      flush();
      for (const { runId } of accepted) await server.completion(runId);
      for (const session of sessions) {
        const { ids: both, sessionId: ids } = session;
        await expect
          .poll(async () => {
            const { isBusy, queuedPrompts } = await server.call("getSession", both);
            return { isBusy, queuedPrompts };
          })
          .toEqual({ isBusy: false, queuedPrompts: 0 });
        const ended = server.events("runComplete", { sessionId: ids });
        const named = ended.filter(({ runId }) => runId !== undefined);
        const mine = accepted
          .filter(({ sessionId }) => sessionId === ids)
          .map(({ runId }) => runId);
        expect(named.map(({ runId }) => runId).sort()).toEqual([...mine].sort());
        const ran = named.filter(({ status, messageId }) => status !== "cancelled" && messageId);
        const order = ran.map(({ runId }) => mine.indexOf(runId ?? ""));
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    }),
    { numRuns: 25 },
  );
});
