// What the page makes of the entries.
import { expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { Entry, Side } from "../../src/inspector/entries.js";
import { everything, FilteredRows } from "../../src/inspector/view/filter.js";
import { Ledger } from "../../src/inspector/view/ledger.js";
import { type Run, Runs } from "../../src/inspector/view/runs.js";
import { tracksOf } from "../../src/inspector/view/tracks.js";
import { Traffic } from "../../src/inspector/view/traffic.js";
import { wholeEntry } from "../../src/inspector/view/wholeEntry.js";

let time = 1000;
function next(): number {
  time += 10;
  return time;
}
const message = (from: Side, body: object, invalid?: string): Entry => ({
  kind: "message",
  at: next(),
  from,
  bytes: 100,
  message: { jsonrpc: "2.0", ...body },
  ...defined({ invalid }),
});
const tell = (method: string, params: object) => message("server", { method, params });
const session = { workspaceId: "w", sessionId: "s" };
const delta = (text: string, partIndex = 0) =>
  tell("messageDelta", {
    ...session,
    runId: "r",
    messageId: "m",
    partIndex,
    kind: "text",
    delta: text,
  });

it("puts the two halves of a request together, also where both sides use the same id", () => {
  const traffic = new Traffic();
  const asked = traffic.add(message("client", { id: 1, method: "ping", params: session }));
  const back = traffic.add(
    message("server", { id: 1, method: "requestPermission", params: session }),
  );
  expect(traffic.questions).toEqual([back]);
  const answered = traffic.add(message("server", { id: 1, result: {} }));
  const decided = traffic.add(message("client", { id: 1, result: {} }));
  expect(answered).toMatchObject({ method: "ping", ms: 20, session: "s" });
  expect(asked.partner).toBe(answered);
  expect(decided.partner).toBe(back);
  expect(traffic.questions).toEqual([]);
});

it("folds the deltas of one part, whatever comes between them", () => {
  const traffic = new Traffic();
  const first = traffic.add(delta("a"));
  traffic.add(delta("x", 1));
  expect(traffic.add(delta("b"))).toBe(first);
  expect(first.deltas).toMatchObject({ count: 2, text: "ab" });
  expect(first.bytes).toBe(200);
  expect(traffic.rows).toHaveLength(2);
  expect(wholeEntry(first)).toMatchObject({ message: { params: { delta: "ab", partIndex: 0 } } });
});

it("folds ACP's chunks until something else is told", () => {
  const traffic = new Traffic();
  const update = (kind: string, text?: string) =>
    tell("session/update", {
      sessionId: "s",
      update: { sessionUpdate: kind, content: { type: "text", text } },
    });
  traffic.add(update("agent_message_chunk", "a"));
  traffic.add(update("agent_message_chunk", "b"));
  traffic.add(update("tool_call"));
  traffic.add(update("agent_message_chunk", "c"));
  expect(traffic.rows.map(({ deltas }) => deltas?.text)).toEqual(["ab", undefined, "c"]);
});

it("marks a delta that is not valid, and folds it into nothing", () => {
  const traffic = new Traffic();
  traffic.add(delta("a"));
  const { message: body } = delta("b") as { message: object };
  traffic.add(message("server", body, "protocol.md: params.offset: missing"));
  expect(traffic.rows.map(({ invalid }) => invalid)).toEqual([
    undefined,
    "protocol.md: params.offset: missing",
  ]);
});

it("finds rows by method, session, run, text, and what is not valid", () => {
  const traffic = new Traffic();
  traffic.add(delta("needle"));
  traffic.add(message("client", { id: 1, method: "createSession", params: { sessionId: "s2" } }));
  traffic.add({ kind: "broken", at: 1, from: "client", bytes: 3, invalid: "JSON", text: "?" });
  const count = (filter: object) => {
    const found = new FilteredRows(traffic, { ...everything, ...filter });
    while (found.advance());
    return found.rows.length;
  };
  expect(
    [
      {},
      { method: "createsess" },
      { session: "s2" },
      { run: "r" },
      { pipe: "1" },
      { text: "NEEDLE" },
      { onlyInvalid: true },
      { text: "nothing" },
    ].map(count),
  ).toEqual([3, 1, 1, 1, 0, 1, 1, 0]);
});

it("keeps its rows bounded, and finds those that are kept", () => {
  const traffic = new Traffic();
  for (let id = 0; id < 120_000; id++) traffic.add(message("client", { id, method: "ping" }));
  expect(traffic.rows.length).toBeLessThanOrEqual(110_000);
  expect(traffic.cut).toBe(120_000 - traffic.rows.length);
  expect(traffic.row(119_999)?.id).toBe("119999");
  const found = new FilteredRows(traffic, everything);
  while (found.advance());
  expect(found.rows).toHaveLength(traffic.rows.length);
});

const complete = (completionId: string, attempt: number, sequence = 1) =>
  tell("runComplete", {
    ...session,
    runId: "r",
    completionId,
    attempt,
    sequence,
    status: "succeeded",
  });

it("tells which completions are not acknowledged, and who has acknowledged the others", () => {
  const ledger = new Ledger();
  const take = (...entries: Entry[]) => {
    for (const entry of entries) ledger.add(entry);
  };
  take(message("client", { id: 1, method: "initialize", params: { clientInfo: { name: "ed" } } }));
  take(complete("a", 1), complete("a", 2), complete("b", 1, 2), complete("c", 1, 3));
  expect(ledger.unacknowledged).toBe(3);
  take(message("client", { id: 2, method: "acknowledge", params: { completionIds: ["a", "b"] } }));
  // The server decides.
  expect(ledger.unacknowledged).toBe(3);
  take(message("server", { id: 2, result: { acknowledged: ["a"], unknown: ["b"] } }));
  take(message("client", { method: "acknowledge", params: { completionIds: ["c"] } }));
  expect(ledger.completions).toMatchObject([
    { completionId: "b", attempts: 1, acknowledgedAt: undefined },
    { completionId: "c", acknowledgedBy: "ed" },
    { completionId: "a", attempts: 2, acknowledgedBy: "ed", run: "r" },
  ]);
});

it("shows what a run did, and when", () => {
  const runs = new Runs();
  const take = (...entries: Entry[]) => {
    for (const entry of entries) runs.add(entry);
  };
  const of = { ...session, runId: "r" };
  const reply = (...parts: object[]) => ({
    ...of,
    message: { id: "m", role: "assistant", model: "big", parts },
  });
  const call = (state: string) => ({ type: "toolCall", toolCallId: "t", name: "bash", state });
  time = 0;
  take(
    message("client", { id: 5, method: "sendMessage", params: { ...of, prompt: "x" } }),
    message("server", { id: 5, result: { runId: "r", state: "queued" } }),
    tell("messageCreated", reply()),
    tell("messageUpdated", reply(call("streaming"))),
    tell("messageUpdated", reply(call("pending"))),
    tell("runActivity", { ...of, kind: "waitingForPermission" }),
    tell("permissionResolved", { ...of, decision: "allow" }),
    tell("messageUpdated", reply(call("completed"))),
    tell("sessionUpdated", { ...session, session: { title: "A title" } }),
    tell("runComplete", {
      ...of,
      status: "failed",
      cause: "provider",
      usage: { promptTokens: 4, cachedPromptTokens: 3, cost: 1 },
    }),
  );
  const [lane] = runs.lanes;
  const [run] = lane?.runs ?? [];
  expect(lane).toMatchObject({ session: "s", title: "A title" });
  expect(run).toMatchObject({ run: "r", status: "failed", cause: "provider", endedAt: 100 });
  expect(run?.phases).toEqual([
    { phase: "queued", from: 20, to: 30 },
    { phase: "running", from: 30, to: 60 },
    { phase: "permission", from: 60, to: 70 },
    { phase: "running", from: 70, to: 100 },
  ]);
  expect(run?.calls).toMatchObject([
    { kind: "model", name: "big", from: 30, to: 50 },
    { kind: "tool", name: "bash", from: 50, to: 80, state: "completed" },
  ]);
  expect(run?.usage).toEqual({ prompt: 4, completion: 0, cached: 3, cost: 1 });
});

it("shows a run that was accepted behind another one of its session as queued", () => {
  const runs = new Runs();
  const accepted = (id: number, runId: string) => {
    runs.add(message("client", { id, method: "sendMessage", params: { ...session, runId } }));
    runs.add(message("server", { id, result: { runId, state: "accepted" } }));
  };
  accepted(1, "first");
  accepted(2, "second");
  runs.add(tell("runComplete", { ...session, runId: "first", status: "succeeded" }));
  runs.add(tell("runComplete", { ...session, runId: "second", status: "succeeded" }));
  accepted(3, "third");
  const [lane] = runs.lanes;
  expect(lane?.runs.map(({ run, phases }) => [run, phases[0]?.phase])).toEqual([
    ["first", "accepted"],
    ["second", "queued"],
    ["third", "accepted"],
  ]);
});

it("lays runs that overlap below each other, and uses a track again", () => {
  const run = (beganAt: number, endedAt?: number) => ({ beganAt, endedAt }) as Run;
  expect(tracksOf([run(0, 10), run(1, 20), run(2), run(10, 12), run(30, 31)], 100)).toEqual([
    0, 1, 2, 0, 0,
  ]);
});

it("shows runs without an id one after the other", () => {
  const runs = new Runs();
  for (let count = 0; count < 2; count++) {
    runs.add(message("client", { id: count, method: "sendMessage", params: session }));
    runs.add(message("server", { id: count, result: { state: "accepted" } }));
    runs.add(tell("runComplete", { ...session, status: "succeeded" }));
  }
  expect(runs.lanes[0]?.runs.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
});

const onPipe = (pipe: string, entry: Entry): Entry => ({ ...entry, pipe });
const ended = (pipe: string): Entry => ({ kind: "end", at: next(), pipe });

it("takes a question for open until it is answered, withdrawn, or nobody can answer it any more", () => {
  const traffic = new Traffic();
  const ask = (id: number, pipe: string) =>
    traffic.add(onPipe(pipe, message("server", { id, method: "requestPermission", params: {} })));
  const withdrawn = ask(1, "7 client 1");
  const other = ask(1, "7 client 2");
  const cancel = message("server", { method: "$/cancelRequest", params: { id: 1 } });
  traffic.add(onPipe("7 client 1", cancel));
  expect(traffic.questions).toEqual([other]);
  const late = traffic.add(onPipe("7 client 1", message("client", { id: 1, result: {} })));
  expect(withdrawn.partner).toBe(late);
  const again = ask(1, "7 client 1");
  expect(traffic.questions).toEqual([other, again]);
  traffic.add(ended("7 client 1"));
  expect(traffic.questions).toEqual([other]);
  // A client cannot withdraw what a server asks.
  const foreign = message("client", { method: "$/cancelRequest", params: { id: 1 } });
  traffic.add(onPipe("7 client 2", foreign));
  expect(traffic.questions).toEqual([other]);
  traffic.add(ended("7"));
  expect(traffic.questions).toEqual([]);
});

it("ends a run with its server, not with its client, until another server tells more of it", () => {
  const runs = new Runs();
  const pipe = "7 client 1";
  const activity = tell("runActivity", { ...session, runId: "r", kind: "tool" });
  runs.add(onPipe(pipe, activity));
  const run = runs.lanes[0]?.runs[0];
  runs.add(ended(pipe));
  runs.add(ended("77"));
  expect(run?.endedAt).toBeUndefined();
  runs.add(ended("7"));
  expect(run).toMatchObject({ endedAt: time, status: "its server has ended" });
  expect(run?.phases.every(({ to }) => to !== undefined)).toBe(true);
  runs.add(onPipe("8", tell("runComplete", { ...session, runId: "r", status: "interrupted" })));
  expect(run).toMatchObject({ endedAt: time, status: "interrupted" });
  expect(runs.lanes[0]?.runs).toHaveLength(1);
});

it("keeps its sessions, runs and completions bounded", () => {
  const traffic = new Traffic();
  const runs = new Runs();
  const ledger = new Ledger();
  for (let count = 0; count < 120_000; count++) {
    const params = { sessionId: `s${count}`, runId: `r${count}`, completionId: `c${count}` };
    const complete = tell("runComplete", { ...params, status: "succeeded", sequence: count });
    traffic.add(complete);
    if (count >= 12_000) continue;
    runs.add(complete);
    ledger.add(complete);
    const completionIds = [params.completionId];
    if (count > 0)
      ledger.add(message("client", { method: "acknowledge", params: { completionIds } }));
  }
  expect(traffic.sessions.size).toBe(traffic.rows.length);
  expect(traffic.runs.size).toBe(traffic.rows.length);
  const kept = runs.lanes.flatMap((lane) => lane.runs);
  expect(kept).toHaveLength(2_000);
  expect(kept.at(-1)?.run).toBe("r11999");
  expect(ledger.completions).toHaveLength(10_000);
  expect(ledger.completions[0]?.completionId).toBe("c0");
});
