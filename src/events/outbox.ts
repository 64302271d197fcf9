// Completions (protocol.md section 5): written in the transaction that ends the run, delivered until
// they are acknowledged, readable for seven days after that.
import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Ids } from "../base/ids.js";
import { cutText } from "../base/text.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type {
  CompletionRow,
  CompletionStore,
  PendingFilter,
  PendingPlace,
} from "../storage/completionStore.js";
import type { Database } from "../storage/database.js";
import type { GroupCommit } from "../storage/groupCommit.js";
import { type OtherCompletion, OtherCompletions } from "../storage/otherCompletions.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import { maxCompletionText, SharedTexts } from "../storage/sharedTexts.js";
import { type Acknowledged, Acknowledgements } from "./acknowledgements.js";
import { type PendingPage, pendingPage } from "./pendingPage.js";

/** The members of a completion that the outbox does not know itself. The outbox cuts the text. */
export type CompletionContent = Omit<
  RunComplete,
  "completionId" | "sequence" | "attempt" | "workspaceId" | "sessionId" | "runId" | "textTruncated"
>;

/** A completion that has just been committed, or that another server has committed for a run of ours. */
export interface Appended {
  readonly completion: RunComplete;
  /** As it is stored. */
  readonly row: CompletionRow;
  readonly clientId: string;
  /** Whether another server wrote it. */
  readonly isOfAnother: boolean;
}

/** The durable list of completions. */
export class Outbox {
  readonly #database: Database;
  readonly #store: CompletionStore;
  readonly #others: OtherCompletions;
  readonly #texts: SharedTexts;
  readonly #runs: RunStore;
  readonly #serverId: string;
  readonly #ids: Ids;
  readonly #listeners = new Set<(appended: Appended) => void>();
  readonly #acknowledgements: Acknowledgements;
  #onAcknowledged: (completionIds: readonly string[]) => void = () => {};

  constructor(
    database: Database,
    stores: { completions: CompletionStore; runs: RunStore },
    serverId: string,
    ids: Ids,
    commits?: Pick<GroupCommit, "join" | "isShared">,
  ) {
    this.#database = database;
    this.#store = stores.completions;
    this.#others = new OtherCompletions(database, serverId);
    this.#texts = new SharedTexts(database);
    this.#runs = stores.runs;
    this.#serverId = serverId;
    this.#ids = ids;
    this.#acknowledgements = new Acknowledgements({
      database,
      store: stores.completions,
      commits,
      onWritten: (completionIds) => this.#onAcknowledged(completionIds),
    });
  }

  /**
   * Writes the completion of a run. Call it inside the transaction that ends the run. The listeners
   * are called once that is committed. A second completion of a run is an error. Returns the id of the
   * completion.
   */
  append(run: RunRow, content: CompletionContent): string {
    const text = cutText(content.text, maxCompletionText);
    const completionId = this.#ids.next("cmp");
    const body = {
      completionId,
      workspaceId: run.workspaceId,
      sessionId: run.sessionId,
      ...defined({ runId: run.runId }),
      ...content,
      text,
      ...defined({ textTruncated: text === content.text ? undefined : (true as const) }),
    };
    const values = {
      completionId,
      run: run.position,
      clientId: run.clientId,
      serverId: this.#serverId,
      workspaceId: run.workspaceId,
      sessionId: run.sessionId,
      body: JSON.stringify(body),
    };
    const sequence = this.#store.insert(values);
    const appended = {
      clientId: run.clientId,
      completion: { ...body, sequence, attempt: 0 },
      row: { ...values, sequence, attempt: 0 },
      isOfAnother: false,
    };
    this.#database.afterCommit(() => {
      faultPoint("committed");
      for (const listener of this.#listeners) listener(appended);
    });
    return completionId;
  }

  /**
   * Another server took this one for dead and has ended a run of it. The listeners get the
   * completion that the other server stored, if there is one.
   */
  announceStanding(run: number): void {
    const row = this.#store.ofRun(run);
    if (row === undefined) return;
    const appended = {
      clientId: row.clientId,
      completion: this.#runComplete(row),
      row,
      isOfAnother: true,
    };
    for (const listener of this.#listeners) listener(appended);
  }

  /** Calls `listener` for every completion of a run of this server; returns how to stop that. */
  onAppended(listener: (appended: Appended) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The completions behind a sequence, in the order in which they were committed, whoever they are for:
   * at most `rows`, and no more once they are `bytes` long.
   */
  following(after: number, most: { rows: number; bytes: number }): RunComplete[] {
    return this.#store.following(after, most).map((row) => this.#runComplete(row));
  }

  /** The completion of the run at a position. */
  ofRun(run: number): RunComplete | undefined {
    const row = this.#store.ofRun(run);
    return row === undefined ? undefined : this.#runComplete(row);
  }

  /** A page of a client's unacknowledged completions, by sequence, of all or one workspace or session. */
  listPending(clientId: string, place: Omit<PendingPlace, "most"> = {}): PendingPage {
    this.settle();
    return pendingPage(this.#store, (row) => this.#runComplete(row), { ...place, clientId });
  }

  /** See {@link Acknowledgements.take}. Ids that the client does not have are `unknown`. */
  acknowledge(
    clientId: string,
    completionIds: readonly string[],
    now: number,
  ): Promise<Acknowledged> {
    return this.#acknowledgements.take(clientId, completionIds, now);
  }

  /** See {@link Acknowledgements.settle}. */
  settle(): void {
    this.#acknowledgements.settle();
  }

  /** A relay has carried these to their place: their texts need not be kept twice any more. */
  relayed(completionIds: readonly string[]): void {
    this.#onAcknowledged(completionIds);
  }

  /** Calls `listener`, the only one, with what was acknowledged here, and with what was relayed. */
  onAcknowledged(listener: (completionIds: readonly string[]) => void): void {
    this.#onAcknowledged = listener;
  }

  /** Moves a client's runs and completions to the identity that it has now given. */
  adopt(from: string, to: string): void {
    this.settle();
    const hasRuns = this.#runs.openOf(this.#serverId).some(({ clientId }) => clientId === from);
    // Almost nobody has any. Then a program that holds the database is not waited for.
    if (!hasRuns && this.#store.backlog(from).count === 0) return;
    this.#database.write(() => {
      this.#runs.adopt(this.#serverId, from, to);
      this.#store.adopt(from, to);
    });
  }

  /** How many of a client's completions wait, and the last sequence of all. */
  backlog(clientId: string): { count: number; end: number } {
    this.settle();
    return this.#store.backlog(clientId);
  }

  /** How a connection of `clientId` gets its completions: up to `backlogEnd`, and after it. */
  filter(clientId: string, backlogEnd: number): PendingFilter {
    return { clientId, serverId: this.#serverId, backlogEnd };
  }

  /** The sequence of the next completion for a connection in (`after`, `upTo`]. */
  peek(
    filter: PendingFilter,
    after: number,
    upTo = Number.MAX_SAFE_INTEGER,
  ): CompletionRow | undefined {
    this.settle();
    return this.#store.nextPending(filter, after, upTo);
  }

  /** The unacknowledged completions of a client in (`after`, `upTo`] that other servers wrote. */
  ofOthers(clientId: string, after: number, upTo: number): Iterable<OtherCompletion> {
    this.settle();
    return this.#others.pending(clientId, after, upTo);
  }

  /** The completion of a sequence; undefined where it is acknowledged. */
  pendingAt(clientId: string, sequence: number): CompletionRow | undefined {
    this.settle();
    return this.#store.pendingAt(clientId, sequence);
  }

  /** The last sequence of all completions; 0 where there is none. */
  get end(): number {
    return this.#others.end;
  }

  /** Counts the deliveries that are about to be made; undefined for each that is no longer needed. */
  deliver(rows: readonly CompletionRow[]): (RunComplete | undefined)[] {
    this.settle();
    const attempts = this.#store.countAttempts(rows.map(({ sequence }) => sequence));
    return rows.map((row, index) => {
      const attempt = attempts[index];
      return attempt === undefined ? undefined : this.#runComplete({ ...row, attempt });
    });
  }

  /** A stored completion as a client gets it. A damaged one is reported as damaged. */
  #runComplete(row: CompletionRow): RunComplete {
    const { sequence, attempt } = row;
    const body = bodyOf(row);
    // These go into what was read: Node 20 makes a new hidden class for each `{ ...body, sequence }`,
    // which takes as much memory as the completion itself.
    if (body !== undefined) return Object.assign(this.#texts.whole(body), { sequence, attempt });
    this.#store.reportDamage(sequence, "its body cannot be read");
    const run = this.#runs.at(row.run);
    return {
      completionId: row.completionId,
      workspaceId: row.workspaceId || (run?.workspaceId ?? ""),
      sessionId: row.sessionId || (run?.sessionId ?? ""),
      ...defined({ runId: run?.runId }),
      text: "",
      status: "failed",
      cancelled: false,
      cause: "internal",
      foldedPrompts: 0,
      error: "How this run ended is stored, but cannot be read: the database is damaged there.",
      errorName: "StorageDamaged",
      completedAt: toRfc3339(run?.acceptedAt ?? 0),
      sequence,
      attempt,
    };
  }
}

/**
 * The stored body of a completion; undefined if it cannot be read, or if it belongs to another one.
 */
function bodyOf({ body, completionId }: CompletionRow): RunComplete | undefined {
  if (body === undefined) return undefined;
  try {
    const told: unknown = JSON.parse(body);
    const isWhole =
      typeof told === "object" &&
      told !== null &&
      textsOfBody.every((name) => typeof (told as Record<string, unknown>)[name] === "string");
    if (!isWhole) return undefined;
    const completion = told as RunComplete;
    return completion.completionId === completionId ? completion : undefined;
  } catch {
    // It is no JSON. The caller reports that it is damaged.
    return undefined;
  }
}

const textsOfBody = [
  ...["completionId", "workspaceId", "sessionId", "text", "status", "completedAt"],
] as const;
