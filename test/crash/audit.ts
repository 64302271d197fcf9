// What must be true of the data directory and of everybody's books once all is quiet.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import type { Part } from "../../src/protocol/objects/message.js";
import type { Books, SentRun } from "./books.js";
import type { Runner } from "./runner.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

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
  lastWords: readonly string[] = [],
): string[] {
  const { asked } = runner;
  const database = new DatabaseSync(join(dataDir, "turnwire.db"), { readOnly: true });
  try {
    return [
      ...everybody.flatMap(({ complaints }) => complaints),
      ...checkRuns(database, everybody),
      ...checkMessages(database, everybody),
      ...[...asked].filter(([, times]) => times > 1).map(([key, n]) => `${key} ran ${n} times`),
      ...checkOutcomes(everybody, runner),
      ...entriesLeft(database, lastWords),
    ];
  } finally {
    database.close();
  }
}

function checkRuns(database: Sqlite, everybody: readonly Books[]): string[] {
  const wrong: string[] = [];
  const stored = database.prepare("SELECT position, runId, state FROM runs").all() as RunRecord[];
  const completionOf = database.prepare(
    "SELECT completionId, attempt, acknowledgedAt FROM completions WHERE run = ?",
  );
  const sent = new Set(everybody.flatMap(({ runs }) => [...runs.keys()]));
  for (const { position, runId, state } of stored) {
    if (!sent.has(runId)) wrong.push(`${runId} is stored, and nobody sent it`);
    if (state !== "completed") wrong.push(`${runId} is still ${state}`);
    const rows = completionOf.all(position) as { completionId: string; acknowledgedAt: unknown }[];
    if (rows.length !== 1) wrong.push(`${runId} has ${rows.length} completions`);
    const books = everybody.find(({ runs }) => runs.has(runId));
    const booked = books?.completionOf(runId)?.completionId;
    if (booked !== rows[0]?.completionId) {
      wrong.push(`${runId} has ${rows[0]?.completionId}, and ${booked} in the books`);
    }
    if (rows[0]?.acknowledgedAt === null) wrong.push(`${runId} is not acknowledged`);
  }
  const storedIds = new Set(stored.map(({ runId }) => runId));
  for (const runId of sent) if (!storedIds.has(runId)) wrong.push(`${runId} was lost`);
  const completions = "SELECT count(*) AS n FROM completions";
  return [...wrong, ...count(database, completions, stored.length, "completions are stored")];
}

function isPoisoned(runId: string | null, everybody: readonly Books[]): boolean {
  if (runId === null) return false;
  return everybody.some((books) => books.completionOf(runId)?.errorName === "Poisoned");
}

/** A run's prompt is stored at most once, every call has a result, and every message an end. */
function checkMessages(database: Sqlite, everybody: readonly Books[]): string[] {
  const wrong: string[] = [];
  const rows = database
    .prepare(
      `SELECT messages.id, role, parts, runs.runId FROM messages
         LEFT JOIN runs ON runs.position = messages.run ORDER BY messages.position`,
    )
    .all() as { id: string; role: string; parts: string; runId: string | null }[];
  const messages = rows.map(({ id, role, parts, runId }) => ({
    id,
    role,
    parts: JSON.parse(parts) as Part[],
    isPoisoned: isPoisoned(runId, everybody),
  }));
  const prompts = messages.filter(({ role }) => role === "user").map(({ parts }) => textOf(parts));
  for (const run of everybody.flatMap(({ runs }) => [...runs.values()])) {
    const times = prompts.filter((text) => text === run.prompt).length;
    if (times > 1) wrong.push(`the prompt of ${run.runId} is stored ${times} times`);
  }
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
  return wrong;
}

/** A run is interrupted or cancelled only if something happened to it, and then it says so. */
function checkOutcomes(everybody: readonly Books[], runner: Runner): string[] {
  return everybody.flatMap((books) =>
    [...books.runs.values()].flatMap((run) => {
      const problem = checkOutcome(run, books, runner);
      return problem === undefined ? [] : [`${run.runId}: ${problem}`];
    }),
  );
}

function checkOutcome(run: SentRun, books: Books, { asked, got }: Runner): string | undefined {
  const completion = books.completionOf(run.runId);
  const { status, cause, text } = completion ?? {};
  const steps = run.prompt.split(", ").length;
  switch (status) {
    case "succeeded":
      // The server was lost just before it sent the prompt, and must not send it again.
      if (got?.has(run.runId) === false && completion?.continuations !== undefined)
        return undefined;
      if (text !== `${run.runId} is done.`) return `succeeded with "${text}"`;
      return asked.get(`${run.runId}#${steps - 1}`) === 1 ? undefined : "its last step never ran";
    case "interrupted":
      if (cause !== "crash") return `interrupted with cause ${cause}`;
      return run.wasEndangered ? undefined : "interrupted, and nothing had happened to it";
    case "cancelled":
      if (cause === "user") return run.wasCancelled ? undefined : "nobody cancelled it";
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
