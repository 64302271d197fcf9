// Bounds what all checkpoints of a data directory keep (protocol.md section 4, Taking back). The oldest
// checkpoints are given up first, and what they alone needed is deleted. What servers that were killed have
// left is deleted too.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { GivenUpCheckpoints } from "../storage/givenUpCheckpoints.js";
import { keptFolderName } from "./keptContent.js";
import { bytesOf, type KeptFolder, keptFolder, keptFolders, removeKept } from "./keptFolders.js";

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
      if ((await this.#bytes()) + bytes > most) {
        this.#sum = undefined;
        const goal = Math.min(most - bytes, most * (1 - spare));
        if ((await this.#bytes()) + bytes > most) await this.#free(goal);
      }
      const sum = await this.#bytes();
      if (sum + bytes > most) return false;
      if (this.#sum !== undefined) this.#sum.bytes += bytes;
      return true;
    });
  }

  /** Gives up the checkpoints that were made before a time, in milliseconds, and deletes what is left over. */
  giveUpBefore(time: number): Promise<boolean> {
    return this.#inTurn(false, async () => {
      const touched = new Set<string>();
      await this.#giveUp(time, async (sessionId) => {
        touched.add(sessionId);
        return true;
      });
      for (const sessionId of touched) await this.#sweep(sessionId);
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

  /** Frees until at most so many bytes are left, if it can. */
  async #free(goal: number): Promise<void> {
    await this.#sweepStrays(await this.#look());
    let left = bytesOf(await this.#look());
    if (left > goal) {
      await this.#giveUp(Number.MAX_SAFE_INTEGER, async (sessionId) => {
        left -= await this.#sweep(sessionId);
        return left > goal;
      });
    }
    this.#sum = undefined;
  }

  /** Gives up checkpoints that were made before a time, oldest first, until `goesOn` says no. */
  async #giveUp(time: number, goesOn: (sessionId: string) => Promise<boolean>): Promise<void> {
    const { givenUp, log } = this.#options;
    let next = givenUp.oldest(0, time);
    while (next !== undefined && !this.#isClosed) {
      givenUp.giveUp(next);
      log.debug({ checkpoint: next.position }, "a checkpoint was given up");
      if (!(await goesOn(next.sessionId))) return;
      await setImmediate();
      next = givenUp.oldest(next.position, time);
    }
  }

  /** Deletes what no checkpoint of a session needs any more. Returns how many bytes that were. */
  async #sweep(sessionId: string, youngestMs = Number.NEGATIVE_INFINITY): Promise<number> {
    const { directory, givenUp, clock } = this.#options;
    const name = keptFolderName(sessionId);
    const folder = await keptFolder(directory, name, clock.now());
    const files = (folder?.files ?? []).filter(({ age }) => age >= youngestMs);
    const sizes = new Map(files.map((file) => [file.name, file.size]));
    let freed = 0;
    const names = [...sizes.keys()].filter((file) => !file.endsWith(".tmp"));
    for (let from = 0; from < names.length && !this.#isClosed; from += filesPerStep) {
      givenUp.removeNeedless(sessionId, names.slice(from, from + filesPerStep), (hash) => {
        rmSync(join(directory, name, hash), { force: true });
        freed += sizes.get(hash) ?? 0;
      });
      await setImmediate();
    }
    return freed;
  }

  /** Deletes folders of sessions that are gone, and contents that were never noted. */
  async #sweepStrays(folders: readonly KeptFolder[]): Promise<void> {
    const { directory, givenUp } = this.#options;
    if (!givenUp.isKept) return;
    const sessions = new Map(givenUp.sessions().map((id) => [keptFolderName(id), id]));
    for (const { name, age, files } of folders) {
      const sessionId = sessions.get(name);
      if (sessionId === undefined) {
        if (age > settledMs) await removeKept(directory, name);
        continue;
      }
      for (const file of files) {
        const isLeft = file.name.endsWith(".tmp") && file.age > settledMs;
        if (isLeft) await removeKept(directory, name, file.name);
      }
      await this.#sweep(sessionId, settledMs);
    }
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#work;
  }
}
