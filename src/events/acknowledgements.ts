// The acknowledgements of completions (protocol.md section 5). Where many sessions are busy, those that come
// at about the same time share a commit. Whoever looks at completions settles them first, so that nobody
// sees one that was taken in before.
import { Deferred } from "../base/deferred.js";
import { faultPoint } from "../base/faultPoint.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { CompletionStore } from "../storage/completionStore.js";
import type { Database } from "../storage/database.js";
import type { GroupCommit } from "../storage/groupCommit.js";

/** What names more completions has a commit of its own: each takes time. */
const mostShared = 16;

/** Which of the named completions a client has. */
export interface Acknowledged {
  readonly acknowledged: string[];
  readonly unknown: string[];
}

/** One that is not written yet. */
interface Owed {
  readonly clientId: string;
  readonly completionIds: readonly string[];
  readonly now: number;
  readonly told: Deferred<Acknowledged>;
}

/** What the acknowledgements need. */
export interface AcknowledgementsOptions {
  readonly database: Database;
  readonly store: CompletionStore;
  /** Without it, each has a commit of its own. */
  readonly commits: Pick<GroupCommit, "join" | "isShared"> | undefined;
  /** Called with those that were written. It must not throw. */
  readonly onWritten: (completionIds: readonly string[]) => void;
}

/** Writes acknowledgements. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #owed = new Set<Owed>();

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /**
   * Takes some in. Resolves when they are written; rejects if they cannot be, and then none of them is. A
   * crash before it resolves may lose them.
   */
  take(clientId: string, completionIds: readonly string[], now: number): Promise<Acknowledged> {
    faultPoint("acknowledging");
    const told = new Deferred<Acknowledged>();
    const owed = { clientId, completionIds, now, told };
    this.#owed.add(owed);
    const { commits } = this.#options;
    const mayShare = commits?.isShared === true && completionIds.length <= mostShared;
    if (mayShare) this.#join(owed, commits);
    else this.settle();
    return told.promise;
  }

  /**
   * Writes all that were taken in, now: none waits any more when this returns. It does not throw. Call it
   * outside of a transaction.
   */
  settle(): void {
    if (this.#owed.size === 0) return;
    const owed = [...this.#owed];
    const error = this.#failureOf(owed);
    if (error === undefined) return;
    // One that cannot be written refuses no other, unless nothing can be written at all.
    const isForAll = owed.length === 1 || isHeldElsewhere(error);
    if (isForAll) this.#refuse(owed, error);
    else for (const one of owed) this.#refuse([one], this.#failureOf([one]));
  }

  #failureOf(owed: readonly Owed[]): unknown {
    try {
      this.#options.database.write(() => {
        for (const one of owed) this.#write(one);
      });
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #join(owed: Owed, commits: Pick<GroupCommit, "join">): void {
    commits.join({
      isDurable: false,
      subjects: [],
      isNeeded: () => this.#owed.has(owed),
      write: () => {
        if (!this.#owed.has(owed)) return;
        // A commit that need not be durable does not look.
        this.#options.database.files.refuseWithout();
        this.#write(owed);
      },
      accepted: () => {},
      refused: (error) => this.#refuse([owed], error),
    });
  }

  /** In a transaction. What is rolled back with it is owed as before. */
  #write(one: Owed): void {
    const { database, store, onWritten } = this.#options;
    const acknowledged: string[] = [];
    const unknown: string[] = [];
    for (const id of one.completionIds) {
      (store.acknowledge(one.clientId, id, one.now) ? acknowledged : unknown).push(id);
    }
    database.afterCommit(() => {
      if (!this.#owed.delete(one)) return;
      faultPoint("acknowledged");
      onWritten(acknowledged);
      one.told.resolve({ acknowledged, unknown });
    });
  }

  /** Of those that were written meanwhile, nothing is refused. */
  #refuse(owed: readonly Owed[], error: unknown): void {
    for (const one of owed) if (this.#owed.delete(one)) one.told.reject(error);
  }
}
