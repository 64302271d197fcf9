// Carries completions to a table of Postgres (docs/fleet.md).
import pg from "pg";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { redact } from "../base/redact.js";
import { untilAborted } from "../base/untilAborted.js";
import type { PostgresRelay } from "../config/relaySettings.js";
import type { RelayedEvent } from "./relayedEvent.js";
import type { Delivered, Refusal, Sink } from "./sink.js";

const connectMs = 10_000;
/** How long a statement may take, in milliseconds; the server gives up before the client does. */
const statementMs = 20_000;
const batch = 100;
/** How pgbouncer refuses a connection that sets `statement_timeout`. */
const unsupported = "unsupported startup parameter";

/**
 * A table. The completions of a delivery are one statement, so that all of them are stored or none; the
 * position is counted in their order.
 */
export class PostgresSink implements Sink {
  readonly batch = batch;
  readonly #relay: PostgresRelay;
  #client: pg.Client | undefined;
  /** One that is not ready yet. */
  #connecting: pg.Client | undefined;
  /** A pool stands between, which takes no limit for all statements of a connection. */
  #isPooled = false;

  constructor(relay: PostgresRelay) {
    this.#relay = relay;
  }

  async deliver(events: readonly RelayedEvent[], signal: AbortSignal): Promise<Delivered> {
    try {
      await untilAborted(this.#store(events), signal);
      return { confirmed: events.length };
    } catch (error) {
      if (signal.aborted) {
        await this.close();
        return { confirmed: 0, refusal: { kind: "again" } };
      }
      const refusal = refusalOf(error, this.#relay.secrets);
      // Nobody knows whether an unanswered statement still runs, or whether the table is still there.
      if (refusal.kind === "wait") await this.close();
      // One of them is refused: the others are stored.
      if (refusal.kind === "refused" && events.length > 1) return this.#oneByOne(events, signal);
      return { confirmed: 0, refusal };
    }
  }

  async #oneByOne(events: readonly RelayedEvent[], signal: AbortSignal): Promise<Delivered> {
    for (const [confirmed, event] of events.entries()) {
      const { refusal } = await this.deliver([event], signal);
      if (refusal !== undefined) return { confirmed, refusal };
    }
    return { confirmed: events.length };
  }

  async #store(events: readonly RelayedEvent[]): Promise<void> {
    await this.#insert(await this.#connect(), events);
  }

  async #insert(client: pg.Client, events: readonly RelayedEvent[]): Promise<void> {
    const column = (value: (event: RelayedEvent) => unknown) => events.map(value);
    // Without a name: a pool may run each transaction on another connection, where the name is unknown or
    // taken.
    await client.query({
      text: insertion(this.#relay.table),
      values: [
        column(({ completion }) => completion.completionId),
        column(({ identity }) => identity.machineId),
        column(({ identity }) => identity.epoch),
        column(({ completion }) => completion.sequence),
        column(({ completion }) => completion.workspaceId),
        column(({ completion }) => completion.sessionId),
        column(({ completion }) => completion.runId ?? null),
        column(({ completion }) => completion.status),
        column(({ completion }) => completion.completedAt),
        column(({ json }) => json),
        this.#relay.channel,
        events[0]?.identity.machineId ?? "",
      ],
    });
  }

  async #connect(): Promise<pg.Client> {
    if (this.#client !== undefined) return this.#client;
    const client = new pg.Client({
      connectionString: this.#relay.url,
      application_name: "turnwire",
      connectionTimeoutMillis: connectMs,
      ...defined({ statement_timeout: this.#isPooled ? undefined : statementMs }),
      query_timeout: statementMs + 5000,
      keepAlive: true,
    });
    // A connection that is lost while nothing is under way; the next delivery makes a new one.
    client.on("error", () => this.#forget(client));
    client.on("end", () => this.#forget(client));
    this.#connecting = client;
    try {
      await client.connect();
      await makeTable(client, this.#relay.table);
    } catch (error) {
      client.end().catch(() => {});
      if (this.#isPooled || !messageOf(error).includes(unsupported)) throw error;
      this.#isPooled = true;
      return await this.#connect();
    } finally {
      this.#connecting = undefined;
    }
    this.#client = client;
    return client;
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = undefined;
  }

  async close(): Promise<void> {
    const clients = [this.#client, this.#connecting];
    this.#client = undefined;
    // Where the other side is silent, the end of the connection is not waited for.
    for (const client of clients) client?.end().catch(() => {});
  }
}

/** A name as SQL has it; its form was checked with the configuration. */
function quoted(name: string): string {
  return name
    .split(".")
    .map((part) => `"${part}"`)
    .join(".");
}

async function makeTable(client: pg.Client, table: string): Promise<void> {
  const found = await client.query("SELECT to_regclass($1) IS NOT NULL AS found", [quoted(table)]);
  if (found.rows[0]?.found === true) return;
  await client.query(`CREATE TABLE IF NOT EXISTS ${quoted(table)} (
    "completionId" text PRIMARY KEY,
    "position" bigserial NOT NULL,
    "machineId" text NOT NULL,
    "epoch" text NOT NULL,
    "sequence" bigint NOT NULL,
    "workspaceId" text NOT NULL,
    "sessionId" text NOT NULL,
    "runId" text,
    "status" text NOT NULL,
    "completedAt" timestamptz NOT NULL,
    "receivedAt" timestamptz NOT NULL DEFAULT now(),
    "event" json NOT NULL
  )`);
}

function insertion(table: string): string {
  return `WITH added AS (
    INSERT INTO ${quoted(table)} ("completionId", "machineId", "epoch", "sequence", "workspaceId",
      "sessionId", "runId", "status", "completedAt", "event")
    SELECT "completionId", "machineId", "epoch", "sequence", "workspaceId", "sessionId", "runId",
      "status", "completedAt", "event"
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[],
      $8::text[], $9::timestamptz[], $10::json[]) WITH ORDINALITY AS told ("completionId", "machineId",
      "epoch", "sequence", "workspaceId", "sessionId", "runId", "status", "completedAt", "event", place)
    ORDER BY place
    ON CONFLICT ("completionId") DO NOTHING RETURNING 1
  ) SELECT pg_notify($11, $12) FROM (SELECT count(*) AS n FROM added) AS counted WHERE n > 0`;
}

/** By the class of the error: 22 and 23 are about the values, 54 about their size, others about the place. */
function refusalOf(error: unknown, secrets: readonly string[]): Refusal {
  const code = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
  const reason = redact(`${code} ${messageOf(error)}`.trim().slice(0, 300), secrets);
  if (code.startsWith("22") || code.startsWith("23")) return { kind: "refused", reason };
  if (code.startsWith("54")) return { kind: "tooLarge", reason };
  return { kind: "wait", reason };
}
