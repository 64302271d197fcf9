/** The runs that were seen: what each did, and when (protocol.md sections 4 and 6). */
import type { Entry } from "../entries.js";
import { at, listAt, numberAt, textAt } from "./members.js";
import { endsWith, isOfClient } from "./pipes.js";

/** What a run is doing at a time. */
export type Phase = "accepted" | "queued" | "running" | "permission" | "waiting" | "summarizing";

/** A time span; without `to` it goes on. */
export interface Span {
  readonly from: number;
  to: number | undefined;
}

export interface PhaseSpan extends Span {
  readonly phase: Phase;
}

/** A call of the model or of a tool. */
export interface Call extends Span {
  readonly kind: "model" | "tool";
  readonly id: string;
  readonly name: string;
  state: string;
}

/** One run. */
export interface Run {
  readonly key: string;
  readonly run: string | undefined;
  readonly session: string;
  readonly pipe: string;
  readonly beganAt: number;
  readonly phases: PhaseSpan[];
  readonly calls: Call[];
  endedAt: number | undefined;
  status: string | undefined;
  cause: string | undefined;
  /** Its server has ended before it: what became of it is told later, or never. */
  isLost: boolean;
  usage: { prompt: number; completion: number; cached: number; cost: number } | undefined;
}

/** A session with its runs, in the order of their acceptance. */
export interface SessionLane {
  readonly session: string;
  title: string;
  readonly runs: Run[];
}

/** Older runs are not shown any more. */
const mostRuns = 2_000;
const final = new Set(["completed", "failed", "denied", "cancelled"]);
const phaseOfActivity: Readonly<Record<string, Phase>> = {
  waitingForPermission: "permission",
  waitingForSlot: "waiting",
  retrying: "waiting",
  summarizing: "summarizing",
};

/** All runs of what was seen. */
export class Runs {
  readonly #lanes = new Map<string, SessionLane>();
  readonly #runs = new Map<string, Run>();
  /** Requests that begin a run, by pipe and id. */
  readonly #asked = new Map<string, { session: string; run: string | undefined; at: number }>();
  /** Runs without an id of their client's, by session. */
  readonly #nameless = new Map<string, Run>();
  #count = 0;

  get lanes(): readonly SessionLane[] {
    return [...this.#lanes.values()].filter(({ runs }) => runs.length > 0);
  }

  add(entry: Entry): void {
    if (entry.kind === "end") this.#lose(entry.pipe ?? "", entry.at);
    if (entry.kind !== "message") return;
    const { message, from } = entry;
    const pipe = entry.pipe ?? "";
    const method = textAt(message, "method");
    const params = at(message, "params");
    const key = `${pipe} ${JSON.stringify(at(message, "id"))}`;
    if (from === "client") {
      if (method === "sendMessage" || method === "summarizeSession")
        this.#ask(key, params, entry.at);
      return;
    }
    if (method === undefined) this.#answer(key, at(message, "result"), entry.at, pipe);
    else this.#event(method, params, entry.at, pipe);
  }

  #ask(key: string, params: unknown, time: number): void {
    const session = textAt(params, "sessionId");
    if (session !== undefined) {
      this.#asked.set(key, { session, run: textAt(params, "runId"), at: time });
    }
  }

  #answer(key: string, result: unknown, time: number, pipe: string): void {
    const asked = this.#asked.get(key);
    this.#asked.delete(key);
    const state = textAt(result, "state");
    if (asked === undefined || state === undefined || state === "completed") return;
    const run = this.#runOf(asked.session, asked.run, pipe, asked.at);
    // The answer says `accepted` also of a run that waits behind another one of its session.
    const isBehind = this.#laneOf(asked.session).runs.some(
      (other) => other !== run && other.endedAt === undefined,
    );
    if (run.phases.length === 0) {
      enter(run, isBehind || state === "queued" ? "queued" : "accepted", time);
    }
  }

  #event(method: string, params: unknown, time: number, pipe: string): void {
    const session = textAt(params, "sessionId");
    if (session === undefined) return;
    if (method === "sessionUpdated") {
      this.#laneOf(session).title = textAt(params, "session", "title") ?? "";
      return;
    }
    const id = textAt(params, "runId");
    const isOfRun = id !== undefined || method === "runComplete" || method.startsWith("message");
    if (!isOfRun) return;
    const run = this.#runOf(session, id, pipe, time);
    if (run.isLost) {
      // Another server goes on with it, or tells its end.
      run.isLost = false;
      run.endedAt = undefined;
      run.status = undefined;
    }
    if (run.endedAt !== undefined) return;
    switch (method) {
      case "runComplete":
        this.#end(run, params, time);
        return;
      case "runActivity":
        enter(run, phaseOfActivity[textAt(params, "kind") ?? ""] ?? "running", time);
        return;
      case "requestPermission":
      case "requestInput":
        enter(run, "permission", time);
        return;
      case "messageCreated":
      case "messageDelta":
      case "messageUpdated":
      case "permissionResolved":
        enter(run, "running", time);
        readMessage(run, at(params, "message"), time, method === "messageCreated");
    }
  }

  #end(run: Run, params: unknown, time: number): void {
    run.endedAt = time;
    run.status = textAt(params, "status");
    run.cause = textAt(params, "cause") ?? textAt(params, "errorName");
    const usage = at(params, "usage");
    if (usage !== undefined) {
      run.usage = {
        prompt: numberAt(usage, "promptTokens") ?? 0,
        completion: numberAt(usage, "completionTokens") ?? 0,
        cached: numberAt(usage, "cachedPromptTokens") ?? 0,
        cost: numberAt(usage, "cost") ?? 0,
      };
    }
    for (const call of run.calls) {
      if (call.to === undefined && call.kind === "model") call.state = "completed";
    }
    endSpans(run, time);
    if (this.#nameless.get(run.session) === run) this.#nameless.delete(run.session);
  }

  /** A server has ended, and what it was doing has no end that was told. */
  #lose(ended: string, time: number): void {
    if (isOfClient(ended)) return;
    for (const { runs } of this.#lanes.values()) {
      for (const run of runs) {
        if (run.endedAt !== undefined || !endsWith(run.pipe, ended)) continue;
        run.endedAt = time;
        run.status = "its server has ended";
        run.isLost = true;
        endSpans(run, time);
      }
    }
  }

  #runOf(session: string, id: string | undefined, pipe: string, time: number): Run {
    const key = `${session} ${id ?? ""}`;
    const known = id === undefined ? this.#nameless.get(session) : this.#runs.get(key);
    if (known !== undefined) return known;
    const run: Run = {
      key: `${this.#count++}`,
      run: id,
      session,
      pipe,
      beganAt: time,
      phases: [],
      calls: [],
      endedAt: undefined,
      status: undefined,
      cause: undefined,
      isLost: false,
      usage: undefined,
    };
    if (id === undefined) this.#nameless.set(session, run);
    else this.#runs.set(key, run);
    this.#laneOf(session).runs.push(run);
    if (this.#runs.size > mostRuns) this.#forgetOldest();
    return run;
  }

  #forgetOldest(): void {
    const [[key, run] = []] = this.#runs;
    if (key === undefined || run === undefined) return;
    this.#runs.delete(key);
    const lane = this.#laneOf(run.session);
    lane.runs.splice(lane.runs.indexOf(run), 1);
    if (lane.runs.length === 0) this.#lanes.delete(run.session);
  }

  #laneOf(session: string): SessionLane {
    const known = this.#lanes.get(session);
    if (known !== undefined) return known;
    const lane: SessionLane = { session, title: "", runs: [] };
    this.#lanes.set(session, lane);
    return lane;
  }
}

function endSpans({ phases, calls }: Run, time: number): void {
  for (const span of [...phases, ...calls]) span.to ??= time;
}

function enter(run: Run, phase: Phase, time: number): void {
  const last = run.phases.at(-1);
  if (last?.phase === phase && last.to === undefined) return;
  if (last !== undefined) last.to ??= time;
  run.phases.push({ phase, from: time, to: undefined });
}

/** A message of the model is a call of it; its parts tell when it ended, and which tools it calls. */
function readMessage(run: Run, message: unknown, time: number, isNew: boolean): void {
  const id = textAt(message, "id");
  if (id === undefined || textAt(message, "role") !== "assistant") return;
  const parts = listAt(message, "parts");
  let call = run.calls.find((one) => one.kind === "model" && one.id === id);
  if (call === undefined && isNew) {
    const name = textAt(message, "model") ?? "model";
    call = { kind: "model", id, name, from: time, to: undefined, state: "running" };
    run.calls.push(call);
  }
  const calls = parts.filter((part) => at(part, "type") === "toolCall");
  const hasEnded =
    parts.some((part) => at(part, "type") === "finish") ||
    (calls.length > 0 && calls.every((part) => at(part, "state") !== "streaming"));
  if (call !== undefined && hasEnded && call.to === undefined) {
    call.to = time;
    call.state = "completed";
  }
  for (const part of calls) readToolCall(run, part, time);
}

function readToolCall(run: Run, part: unknown, time: number): void {
  const id = textAt(part, "toolCallId");
  const state = textAt(part, "state") ?? "";
  if (id === undefined || state === "streaming") return;
  let call = run.calls.find((one) => one.kind === "tool" && one.id === id);
  if (call === undefined) {
    const name = textAt(part, "name") ?? "tool";
    call = { kind: "tool", id, name, from: time, to: undefined, state };
    run.calls.push(call);
  }
  call.state = state;
  if (final.has(state)) call.to ??= time;
}
