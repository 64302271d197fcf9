// Bounds what all checkpoints of a data directory keep (protocol.md section 4, Taking back). The oldest
// checkpoints are given up first, and what they alone needed is deleted. What servers that were killed have
// left is deleted too.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { GivenUpCheckpoints, OldestHeld } from "../storage/givenUpCheckpoints.js";
import { keptFolderName } from "./keptContent.js";
import { bytesOf, type KeptFolder, keptFolders, removeKept } from "./keptFolders.js";

/** Other servers add and delete too, so the sum is made again after this time. */
const sumHoldsMs = 60_000;
/** What is younger may belong to a change that is not noted yet. */
const settledMs = 10 * 60_000;
/** So much is freed at once, as a part of the bound, that not every change has to free something. */
const spare = 0.1;
const filesPerStep = 20;

/** What the bound works with. */
export interface KeptBoundOptions {
  /** The directory of the kept contents. */
  readonly directory: string;
  readonly givenUp: GivenUpCheckpoints;
  /** How many bytes may be kept in all. */
  mostBytes(): number | Promise<number>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The bound of one data directory, as one server keeps it. */
export class KeptBound {
  readonly #options: KeptBoundOptions;
  #sum: { bytes: number; readonly at: number } | undefined;
  /** When what is left over was last looked for. */
  #strayedAt = Number.NEGATIVE_INFINITY;
  #work: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: KeptBoundOptions) {
    this.#options = options;
  }

  /**
   * Makes room for some bytes more. False if there is none: then they cannot be kept. If the disk cannot
   * be looked at, there is room.
   */
  room(bytes: number): Promise<boolean> {
    return this.#inTurn(true, async () => {
      const most = await this.#options.mostBytes();
      if (bytes > most) return false;
      const limit = most - bytes;
      const goal = Math.min(limit, most * (1 - spare));
      const fits = (await this.#bytes()) <= limit || (await this.#makeRoom(limit, goal));
      if (fits && this.#sum !== undefined) this.#sum.bytes += bytes;
      return fits;
    });
  }

  /** Something was kept without asking for room: looks at the disk again, and frees what is too much. */
  recount(): Promise<boolean> {
    return this.#inTurn(true, async () => {
      this.#sum = undefined;
      const most = await this.#options.mostBytes();
      return (await this.#bytes()) <= most || this.#makeRoom(most, most * (1 - spare));
    });
  }

  /** Gives up the checkpoints that were made before a time, in milliseconds, and deletes what is left over. */
  giveUpBefore(time: number): Promise<boolean> {
    return this.#inTurn(false, async () => {
      const touched = new Set<string>();
      await this.#giveUp(time, async ({ sessionId }) => {
        touched.add(sessionId);
        return true;
      });
      const names = new Map([...touched].map((id) => [keptFolderName(id), id]));
      for (const { name, files } of await this.#look()) {
        const sessionId = names.get(name);
        if (sessionId !== undefined) await this.#sweep(sessionId, files);
      }
      await this.#sweepStrays(await this.#look());
      this.#sum = undefined;
      return true;
    });
  }

  /** One after another. A failure is told to the log, and gives `instead`. */
  #inTurn(instead: boolean, work: () => Promise<boolean>): Promise<boolean> {
    const done = this.#work.then(async () => {
      if (this.#isClosed) return instead;
      try {
        return await work();
      } catch (error) {
        const reason = messageOf(error);
        this.#options.log.warn({ reason }, "what checkpoints keep could not be bounded");
        return instead;
      }
    });
    this.#work = done;
    return done;
  }

  async #bytes(): Promise<number> {
    const now = this.#options.clock.now();
    if (this.#sum === undefined || Math.abs(now - this.#sum.at) > sumHoldsMs) {
      this.#sum = { bytes: bytesOf(await this.#look()), at: now };
    }
    return this.#sum.bytes;
  }

  #look(): Promise<KeptFolder[]> {
    return keptFolders(this.#options.directory, this.#options.clock.now());
  }

  /**
   * Frees until at most `goal` bytes are left, if more than `limit` are. Looks at the disk once. False if
   * more than `limit` are left. Where nothing can be given up, this costs nothing, so that a full directory
   * does not hold up each edit.
   */
  async #makeRoom(limit: number, goal: number): Promise<boolean> {
    const { clock, givenUp } = this.#options;
    const now = clock.now();
    const isStrayTime = Math.abs(now - this.#strayedAt) > sumHoldsMs;
    if (!isStrayTime && givenUp.oldest(0, Number.MAX_SAFE_INTEGER) === undefined) return false;
    const folders = await this.#look();
    const sum = { bytes: bytesOf(folders), at: now };
    this.#sum = sum;
    if (sum.bytes > limit && isStrayTime) {
      this.#strayedAt = now;
      sum.bytes -= await this.#sweepStrays(folders);
    }
    if (sum.bytes <= limit) return true;
    const sizes = new Map(folders.map(({ name, files }) => [name, sizesOf(files)]));
    await this.#giveUp(Number.MAX_SAFE_INTEGER, async ({ sessionId }, hashes) => {
      sum.bytes -= await this.#remove(sessionId, hashes, sizes.get(keptFolderName(sessionId)));
      return sum.bytes > goal;
    });
    return sum.bytes <= limit;
  }

  /**
   * Gives up checkpoints that were made before a time, oldest first, until `goesOn` says no. It gets the
   * contents that they kept.
   */
  async #giveUp(
    time: number,
    goesOn: (one: OldestHeld, hashes: readonly string[]) => Promise<boolean>,
  ): Promise<void> {
    const { givenUp, log } = this.#options;
    let next = givenUp.oldest(0, time);
    while (next !== undefined && !this.#isClosed) {
      const hashes = givenUp.giveUp(next);
      log.debug({ checkpoint: next.position }, "a checkpoint was given up");
      if (!(await goesOn(next, hashes))) return;
      await setImmediate();
      next = givenUp.oldest(next.position, time);
    }
  }

  /** Deletes those of some contents of a session that no checkpoint needs. Returns how many bytes that were. */
  async #remove(
    sessionId: string,
    hashes: readonly string[],
    sizes: ReadonlyMap<string, number> = new Map(),
  ): Promise<number> {
    const { directory, givenUp } = this.#options;
    const name = keptFolderName(sessionId);
    let freed = 0;
    for (let from = 0; from < hashes.length && !this.#isClosed; from += filesPerStep) {
      givenUp.removeNeedless(sessionId, hashes.slice(from, from + filesPerStep), (hash) => {
        rmSync(join(directory, name, hash), { force: true });
        freed += sizes.get(hash) ?? 0;
      });
      await setImmediate();
    }
    return freed;
  }

  /** Deletes those of the files of a session, of some age, that no checkpoint needs. Returns their bytes. */
  async #sweep(
    sessionId: string,
    files: KeptFolder["files"],
    youngestMs = Number.NEGATIVE_INFINITY,
  ): Promise<number> {
    // Nothing is removed by this first look; it only spares the removal what is needed anyway.
    const needed = this.#options.givenUp.needed(sessionId);
    const left = files.filter(
      ({ name, age }) => age >= youngestMs && !name.endsWith(".tmp") && !needed.has(name),
    );
    return this.#remove(
      sessionId,
      left.map(({ name }) => name),
      sizesOf(left),
    );
  }

  /**
   * Deletes folders of sessions that are gone, and contents that were never noted. Returns how many bytes
   * that were.
   */
  async #sweepStrays(folders: readonly KeptFolder[]): Promise<number> {
    const { directory, givenUp } = this.#options;
    if (!givenUp.isKept) return 0;
    const sessions = new Map(givenUp.sessions().map((id) => [keptFolderName(id), id]));
    let freed = 0;
    for (const folder of folders) {
      const { name, age, files } = folder;
      const sessionId = sessions.get(name);
      if (sessionId === undefined) {
        if (age <= settledMs) continue;
        await removeKept(directory, name);
        freed += bytesOf([folder]);
        continue;
      }
      for (const file of files) {
        if (!file.name.endsWith(".tmp") || file.age <= settledMs) continue;
        await removeKept(directory, name, file.name);
        freed += file.size;
      }
      freed += await this.#sweep(sessionId, files, settledMs);
    }
    return freed;
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }
}

function sizesOf(files: KeptFolder["files"]): ReadonlyMap<string, number> {
  return new Map(files.map(({ name, size }) => [name, size]));
}
