// What the contract says of runs that may outlive their server (protocol.md section 4, Going on after a
// loss), as plainly as it can be said: it looks at the database after each step of a history, and knows
// what may have changed since the step before.
import { expect } from "vitest";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { nobody, type RunRow } from "../../src/storage/runStore.js";
import type { CoordinatorHouse } from "../helpers/coordinatorHouse.js";

const dayMs = 86_400_000;
/** `limits.waitingDays`. */
export const waitingDays = 7;

/** What is known of one run. */
interface Account {
  row: RunRow;
  /** How often another server has taken it over. */
  continuations: number;
  /** How often its begun turn was taken over since its last finished model call. */
  adoptions: number;
  /** How often it was taken over since a turn of it has begun in the server that took it. */
  loads: number;
  /** Since when it waits, as far as a step can tell. */
  waitsSince?: number;
  isToBePoisoned: boolean;
  isCancelled: boolean;
}

/** What a step may do to the runs of servers. */
export interface StepFacts {
  /** The servers that live and have their lock. */
  readonly living: ReadonlySet<string>;
  /** The servers that are ended politely in this step. */
  readonly parking: ReadonlySet<string>;
  /** The servers that can go on with no run. */
  readonly unable: ReadonlySet<string>;
  readonly now: number;
}

/** Follows the runs of a data directory. */
export class GoingOnLedger {
  readonly #accounts = new Map<number, Account>();
  /** The positions of the turns that have begun, by session. */
  readonly #begun = new Map<string, number>();
  #completions: readonly (RunComplete & { run: number })[] = [];

  get open(): RunRow[] {
    return this.rows.filter(({ state }) => state !== "completed");
  }

  get rows(): RunRow[] {
    return [...this.#accounts.values()].map(({ row }) => row);
  }

  /** A turn of a run has begun, or gone on, in a server. */
  turnRuns(position: number): void {
    this.#of(position).loads = 0;
  }

  /** A model call of a run has finished. */
  progressed(position: number): void {
    this.#of(position).adoptions = 0;
  }

  /** Somebody was told that the run is cancelled. */
  cancelled(position: number): void {
    this.#of(position).isCancelled = true;
  }

  #of(position: number): Account {
    const found = this.#accounts.get(position);
    if (found === undefined) throw new Error(`no run ${position}`);
    return found;
  }

  /** Compares the database with what was known, and takes in what has changed. */
  look(house: CoordinatorHouse, facts: StepFacts): void {
    for (let position = 1; ; position++) {
      const row = house.runs.at(position);
      if (row === undefined) break;
      const account = this.#accounts.get(position);
      if (account === undefined) this.#add(row, facts);
      else this.#compare(account, row, facts);
    }
    this.#compareCompletions(house.allCompletions(), facts);
    for (const account of this.#accounts.values()) this.#checkEnd(account);
    this.#checkTurns();
  }

  #add(row: RunRow, facts: StepFacts): void {
    expect(row).toMatchObject({ epoch: 0, continuations: 0 });
    expect(facts.living.has(row.serverId), "a run is accepted by a living server").toBe(true);
    const counts = { continuations: 0, adoptions: 0, loads: 0 };
    const account = { row, ...counts, isToBePoisoned: false, isCancelled: false };
    this.#accounts.set(row.position, account);
    if (row.hasBegun && row.joinedTo === undefined) this.#begins(row);
  }

  #compare(account: Account, row: RunRow, facts: StepFacts): void {
    const { row: before } = account;
    const of = `run ${row.position}`;
    if (before.state === "completed") {
      // `epoch` and the server of a run that has ended never change again.
      expect(row, of).toEqual(before);
      return;
    }
    expect(row.hasBegun || !before.hasBegun, `${of} has begun for ever`).toBe(true);
    expect(row.goesOn || !before.goesOn, `${of} goes on for ever`).toBe(true);
    if (row.epoch !== before.epoch) this.#adopted(account, row, facts);
    else if (row.serverId !== before.serverId) {
      expect(row.serverId, `${of} changes its server with its epoch`).toBe(nobody);
    }
    const isLeft = row.serverId === nobody && row.state !== "completed";
    if (isLeft && before.serverId !== nobody) {
      const isGivenUp = !facts.living.has(before.serverId) || facts.parking.has(before.serverId);
      expect(isGivenUp, `${of} is taken from no living server`).toBe(true);
      account.waitsSince = facts.now;
      if (facts.parking.has(before.serverId) && before.state !== "queued") {
        account.adoptions = Math.max(0, account.adoptions - 1);
        account.loads = 0;
      }
    }
    if (row.hasBegun && !before.hasBegun && row.joinedTo === undefined) this.#begins(row);
    account.row = row;
  }

  #adopted(account: Account, row: RunRow, { living, parking, unable }: StepFacts): void {
    const { row: before } = account;
    const of = `run ${row.position}`;
    expect(row.epoch, `${of} is taken over once at a time`).toBe(before.epoch + 1);
    const wasFree = !living.has(before.serverId) || parking.has(before.serverId);
    expect(wasFree, `${of} is taken from no living server`).toBe(true);
    expect(living.has(row.serverId), `${of} is taken over by a living server`).toBe(true);
    if (!before.goesOn) return;
    expect(unable.has(row.serverId), `${of} is taken over by one that can go on with it`).toBe(
      false,
    );
    account.continuations++;
    const isTurn = before.joinedTo === undefined && before.hasBegun;
    account.isToBePoisoned = account.loads >= 3 || (isTurn && account.adoptions >= 3);
    if (account.isToBePoisoned) return;
    if (isTurn) account.adoptions++;
    if (before.joinedTo === undefined && before.state !== "queued") account.loads++;
  }

  /** The turns of a session begin in the order in which they were accepted. */
  #begins({ sessionId, position, kind }: RunRow): void {
    // A summary never waits, and so may pass what waits in a paused queue.
    if (kind === "summary") return;
    const last = this.#begun.get(sessionId) ?? 0;
    expect(position, `the order of the turns of ${sessionId}`).toBeGreaterThan(last);
    this.#begun.set(sessionId, position);
  }

  #compareCompletions(all: readonly (RunComplete & { run: number })[], facts: StepFacts): void {
    const known = this.#completions;
    expect(all.slice(0, known.length), "what was told stays").toEqual(known);
    this.#completions = all;
    const runs = all.map(({ run }) => run);
    expect(new Set(runs).size, "one completion a run").toBe(runs.length);
    for (const completion of all.slice(known.length)) this.#told(completion, facts);
  }

  #told(completion: RunComplete & { run: number }, { now }: StepFacts): void {
    const account = this.#of(completion.run);
    const { row } = account;
    const of = `run ${row.position}`;
    expect(row.state, of).toBe("completed");
    const { status, errorName, continuations } = completion;
    // Those that have joined tell how the turn ended, and so how often it went on.
    const turn = row.joinedTo === undefined ? account : this.#of(row.joinedTo);
    expect(continuations ?? 0, `the continuations of ${of}`).toBe(turn.continuations);
    expect(errorName === "Poisoned", `${of} is poisoned`).toBe(turn.isToBePoisoned);
    if (errorName === "WaitedTooLong") {
      expect(row.goesOn || turn.row.goesOn).toBe(true);
      expect(now - (turn.waitsSince ?? now), of).toBeGreaterThanOrEqual(waitingDays * dayMs);
    } else if (status === "interrupted" && turn.row.goesOn) {
      expect(errorName, `${of} goes on and is not interrupted`).toBe("Poisoned");
    }
    if (account.isCancelled) expect(status, `${of} was cancelled`).toBe("cancelled");
  }

  #checkEnd({ row, isToBePoisoned, isCancelled }: Account): void {
    if (isToBePoisoned) expect(row.state, `run ${row.position} is poisoned`).toBe("completed");
    if (isCancelled) expect(row.state, `run ${row.position} was cancelled`).toBe("completed");
  }

  /** A session has one turn at a time. */
  #checkTurns(): void {
    const turns = this.open.filter(({ state, joinedTo }) => state === "running" && !joinedTo);
    const sessions = turns.map(({ sessionId }) => sessionId);
    expect(new Set(sessions).size, "one turn a session").toBe(sessions.length);
  }

  /** Nothing is open any more, and each run has its completion. */
  expectAllEnded(): void {
    expect(this.open.map(({ position, state }) => `${position}: ${state}`)).toEqual([]);
    expect(this.#completions.map(({ run }) => run).toSorted((a, b) => a - b)).toEqual(
      this.rows.map(({ position }) => position),
    );
  }
}
