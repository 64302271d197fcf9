import type { FileChange, FileKeeper, KeptRun } from "../base/fileKeeper.js";
import { type HeldFile, notKept } from "../storage/changedFiles.js";
import type { CheckpointStore } from "../storage/checkpointStore.js";
import { changedLines } from "./changedLines.js";
import type { KeptBound } from "./keptBound.js";
import { contentHash, type KeptContent } from "./keptContent.js";

/** Keeps the contents that one run changes, under the checkpoint that was made when the run began. */
export class RunFileKeeper implements FileKeeper {
  readonly #store: CheckpointStore;
  readonly #content: KeptContent;
  readonly #bound: Pick<KeptBound, "room">;
  readonly #run: KeptRun;
  readonly #checkpoint: number;

  constructor(
    kept: {
      readonly store: CheckpointStore;
      readonly content: KeptContent;
      readonly bound: Pick<KeptBound, "room">;
    },
    checkpoint: number,
    run: KeptRun,
  ) {
    this.#store = kept.store;
    this.#content = kept.content;
    this.#bound = kept.bound;
    this.#run = run;
    this.#checkpoint = checkpoint;
  }

  async keep({ path, before, after, madeFolder }: FileChange): Promise<void> {
    const first = this.#store.files.find(this.#checkpoint, path);
    const data = before?.data;
    const hash = data === undefined ? notKept : await contentHash(data);
    const held = before && { hash, mode: before.mode };
    // Only what the file held before the run's first change is ever given back.
    const keeps =
      first === undefined && data !== undefined && (await this.#bound.room(data.length));
    if (keeps) await this.#content.write(this.#run.sessionId, hash, data);
    const original = first === undefined ? before?.data : await this.#dataOf(first.before);
    const isCounted = original !== undefined || (first?.before ?? before) === undefined;
    const lines = isCounted ? changedLines(original, after) : { added: 0, removed: 0 };
    const left = { hash: await contentHash(after), mode: before?.mode ?? 0 };
    const change = { path, before: held, after: left, madeFolder, ...lines };
    await this.#run.store(() => this.#store.files.add(this.#checkpoint, change));
    // Until it was noted who needs it, somebody may have deleted it (see `KeptBound`).
    if (keeps) await this.#content.write(this.#run.sessionId, hash, data);
  }

  async #dataOf(held: HeldFile | undefined): Promise<Uint8Array | undefined> {
    if (held === undefined || held.hash === notKept) return undefined;
    return this.#content.get(this.#run.sessionId, held.hash);
  }

  noteCommand(): Promise<void> {
    return this.#run.store(() => this.#store.noteCommand(this.#checkpoint));
  }
}
