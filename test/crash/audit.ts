// What must be true of the data directory and of everybody's books once all is quiet.
import { join } from "node:path";
import type { DatabaseSync } from "@photostructure/sqlite";
import type { Part } from "../../src/protocol/objects/message.js";
import { openStored } from "../helpers/storedFile.js";
import type { Books, SentRun } from "./books.js";
import type { Runner } from "./runner.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

const countOf = "SELECT count(*) AS n FROM";

interface RunRecord {
  readonly position: number;
  readonly runId: string;
  readonly state: string;
}

/** Everything that is wrong; empty is what a test wants. */
export function audit(
  dataDir: string,
  everybody: readonly Books[],
  runner: Runner,
  deleted: ReadonlySet<string> = new Set(),
  lastWords: readonly string[] = [],
): string[] {
  const { asked } = runner;
  const database = openStored(join(dataDir, "turnwire.db"), { readOnly: true });
  try {
    return [
      ...everybody.flatMap(({ complaints }) => complaints),
      ...checkRuns(database, everybody, deleted),
      ...checkMessages(database, everybody),
      ...checkSteps(everybody, asked),
      ...checkOutcomes(everybody, runner, deleted),
      ...entriesLeft(database, lastWords),
      // Whole ones may still wait to be found by their words.
      ...count(database, `${countOf} openForks WHERE indexedTo IS NULL`, 0, "half forks are left"),
    ];
  } finally {
    database.close();
  }
}

function checkRuns(
  database: Sqlite,
  everybody: readonly Books[],
  deleted: ReadonlySet<string>,
): string[] {
  const wrong: string[] = [];
  const stored = database.prepare("SELECT position, runId, state FROM runs").all() as RunRecord[];
  const completionOf = database.prepare(
    "SELECT completionId, attempt, acknowledgedAt FROM completions WHERE run = ?",
  );
  const sent = new Set(everybody.flatMap(({ runs }) => [...runs.keys()]));
  let forgotten = 0;
  for (const { position, runId, state } of stored) {
    if (!sent.has(runId)) wrong.push(`${runId} is stored, and nobody sent it`);
    if (state !== "completed") wrong.push(`${runId} is still ${state}`);
    const rows = completionOf.all(position) as { completionId: string; acknowledgedAt: unknown }[];
    const books = everybody.find(({ runs }) => runs.has(runId));
    const { completionId: booked, sessionId = "" } = books?.completionOf(runId) ?? {};
    // With its session, a completion that is acknowledged is deleted, and was delivered before.
    if (rows.length === 0 && deleted.has(sessionId) && books?.acknowledged.has(booked ?? "")) {
      forgotten += 1;
      continue;
    }
    if (rows.length !== 1) wrong.push(`${runId} has ${rows.length} completions`);
    if (booked !== rows[0]?.completionId) {
      wrong.push(`${runId} has ${rows[0]?.completionId}, and ${booked} in the books`);
    }
    if (rows[0]?.acknowledgedAt === null) wrong.push(`${runId} is not acknowledged`);
  }
  const storedIds = new Set(stored.map(({ runId }) => runId));
  for (const runId of sent) if (!storedIds.has(runId)) wrong.push(`${runId} was lost`);
  const wanted = stored.length - forgotten;
  return [...wrong, ...count(database, `${countOf} completions`, wanted, "completions are stored")];
}

/** A step runs once, and once more for each server that has gone on with its run: a model is asked again. */
function checkSteps(everybody: readonly Books[], asked: Runner["asked"]): string[] {
  return [...asked].flatMap(([key, times]) => {
    const [runId = ""] = key.split("#");
    const completion = everybody.map((books) => books.completionOf(runId)).find(Boolean);
    const most = 1 + (completion?.continuations ?? 0);
    return times > most ? [`${key} ran ${times} times, not ${most} at most`] : [];
  });
}

function isPoisoned(runId: string | null, everybody: readonly Books[]): boolean {
  if (runId === null) return false;
  return everybody.some((books) => books.completionOf(runId)?.errorName === "Poisoned");
}

/** The messages of one session, or those that rewinds have taken out of it. */
interface History {
  readonly sessionId: string;
  readonly messages: {
    readonly id: string;
    readonly role: string;
    readonly parts: readonly Part[];
    readonly isPoisoned: boolean;
  }[];
}

/** All of them, but for what is still to be deleted with its session. */
function historiesOf(database: Sqlite, everybody: readonly Books[]): History[] {
  const rows = database
    .prepare(
      `SELECT messages.id, messages.sessionId, role, parts, runs.runId FROM messages
         LEFT JOIN runs ON runs.position = messages.run
         WHERE messages.sessionId NOT IN (SELECT sessionId FROM forgottenSessions)
         ORDER BY messages.position`,
    )
    .all() as {
    id: string;
    sessionId: string;
    role: string;
    parts: string;
    runId: string | null;
  }[];
  const histories = new Map<string, History>();
  for (const { id, sessionId, role, parts, runId } of rows) {
    const history = histories.get(sessionId) ?? { sessionId, messages: [] };
    histories.set(sessionId, history);
    const isLeft = isPoisoned(runId, everybody);
    history.messages.push({ id, role, parts: JSON.parse(parts) as Part[], isPoisoned: isLeft });
  }
  return [...histories.values()];
}

/**
 * In each session, forks included: a run's prompt is stored at most once, every call has a result, and every
 * message an end. What a rewind has taken out is as whole, and each message is a session's.
 */
function checkMessages(database: Sqlite, everybody: readonly Books[]): string[] {
  const histories = historiesOf(database, everybody);
  const sessions = database.prepare("SELECT id, messageCount FROM sessions").all() as {
    id: string;
    messageCount: unknown;
  }[];
  const known = new Map(sessions.map(({ id, messageCount }) => [id, Number(messageCount)]));
  const wrong: string[] = [];
  const prompts = new Map<string, string[]>();
  for (const { sessionId, messages } of histories) {
    const owner = sessionId.replaceAll("~", "");
    if (!known.has(owner)) wrong.push(`messages are left of ${sessionId}`);
    if (owner === sessionId && known.get(owner) !== messages.length) {
      wrong.push(`${owner} has ${messages.length} messages, and tells ${known.get(owner)}`);
    }
    const said = messages.flatMap(({ role, parts }) => (role === "user" ? [textOf(parts)] : []));
    prompts.set(owner, [...(prompts.get(owner) ?? []), ...said]);
  }
  for (const run of everybody.flatMap(({ runs }) => [...runs.values()])) {
    for (const [owner, said] of prompts) {
      const times = said.filter((text) => text === run.prompt).length;
      if (times > 1) wrong.push(`${owner} has the prompt of ${run.runId} ${times} times`);
    }
  }
  return [...wrong, ...histories.flatMap(checkHistory)];
}

function checkHistory({ sessionId, messages }: History): string[] {
  const wrong: string[] = [];
  const results = new Set(
    messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === "toolResult" ? [part.toolCallId] : [])),
    ),
  );
  for (const { id, role, parts, isPoisoned: isLeft } of messages) {
    // Such a run is ended from its row alone, because reading more may be what ends each server.
    if (isLeft) continue;
    for (const part of parts) {
      if (part.type !== "toolCall") continue;
      if (!results.has(part.toolCallId)) wrong.push(`${part.toolCallId} has no result`);
      if (["streaming", "pending", "running"].includes(part.state)) {
        wrong.push(`${part.toolCallId} is still ${part.state}`);
      }
    }
    if (role === "assistant" && parts.at(-1)?.type !== "finish") wrong.push(`${id} has no end`);
  }
  return wrong.map((what) => `${sessionId}: ${what}`);
}

/** A run is interrupted or cancelled only if something happened to it, and then it says so. */
function checkOutcomes(
  everybody: readonly Books[],
  runner: Runner,
  deleted: ReadonlySet<string>,
): string[] {
  return everybody.flatMap((books) =>
    [...books.runs.values()].flatMap((run) => {
      const problem = checkOutcome(run, books, runner, deleted);
      return problem === undefined ? [] : [`${run.runId}: ${problem}`];
    }),
  );
}

function checkOutcome(
  run: SentRun,
  books: Books,
  { asked, got }: Runner,
  deleted: ReadonlySet<string>,
): string | undefined {
  const completion = books.completionOf(run.runId);
  const { status, cause, text, sessionId = "" } = completion ?? {};
  const steps = run.prompt.split(", ").length;
  switch (status) {
    case "succeeded":
      // It asks no model, and tells what it has taken back.
      if (run.prompt === "/undo") return undefined;
      // The server was lost just before it sent the prompt, and must not send it again.
      if (got?.has(run.runId) === false && completion?.continuations !== undefined)
        return undefined;
      if (text !== `${run.runId} is done.`) return `succeeded with "${text}"`;
      return asked.has(`${run.runId}#${steps - 1}`) ? undefined : "its last step never ran";
    case "interrupted":
      if (cause !== "crash") return `interrupted with cause ${cause}`;
      return run.wasEndangered ? undefined : "interrupted, and nothing had happened to it";
    case "cancelled":
      if (cause === "user") return run.wasCancelled ? undefined : "nobody cancelled it";
      if (cause === "deleted") return deleted.has(sessionId) ? undefined : "nobody deleted it";
      if (cause !== "disconnect") return `cancelled with cause ${cause}`;
      return run.wasEndangered ? undefined : "its client never went away";
    case "failed":
      if (completion?.errorName !== "StorageFailed") return `failed: ${completion?.error}`;
      return run.wasEndangered ? undefined : "its disk was well";
    default:
      return `${status}`;
  }
}

/**
 * A server that ends removes its entry, and the next one that of a dead one. Where the disk was so slow
 * that the last commit found the database held by another server's, it says so, and leaves its entry.
 */
function entriesLeft(database: Sqlite, lastWords: readonly string[]): string[] {
  const left = database.prepare("SELECT * FROM servers").all();
  const held = lastWords.filter((words) => /"databaseLocked".*did not close cleanly/.test(words));
  return left.slice(held.length).map((row) => `an entry is left: ${JSON.stringify(row)}`);
}

function textOf(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function count(database: Sqlite, sql: string, wanted: number, what: string): string[] {
  const found = Number((database.prepare(sql).get() as { n: unknown }).n);
  return found === wanted ? [] : [`${found} ${what}, not ${wanted}`];
}
