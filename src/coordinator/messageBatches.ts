// Writes the messages of a turn in batches (at most 250 ms after a change, and at the turn's end).
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Log } from "../base/log.js";
import type { MessageStore } from "../storage/messageStore.js";
import { isDiskTrouble } from "../storage/storageError.js";
import type { MessageRecorder } from "./messageRecorder.js";
import type { PatientWrites } from "./patientWrites.js";
import { partsText } from "./storedParts.js";

/** How long streamed text waits at most before it is written, in milliseconds. */
const flushAfterMs = 250;

/** What the batches need. */
export interface MessageBatchesOptions {
  readonly messages: MessageStore;
  readonly writes: PatientWrites;
  readonly clock: Clock;
  readonly log: Log;
}

/** The messages of one turn that have changed and are not stored yet. */
export class MessageBatches {
  readonly #options: MessageBatchesOptions;
  readonly #dirty = new Set<MessageRecorder>();
  /** Messages whose update waits for another program that holds the database. */
  readonly #late = new Set<MessageRecorder>();
  /** Messages that could not be stored, and take part in nothing more. */
  readonly #forgotten = new WeakSet<MessageRecorder>();
  #timer: Timer | undefined;

  constructor(options: MessageBatchesOptions) {
    this.#options = options;
  }

  /** A message has changed: it is written at once, or with the next batch. */
  store(recorder: MessageRecorder, when: "now" | "soon"): void {
    if (!this.#forgotten.has(recorder)) this.#dirty.add(recorder);
    if (when === "now") {
      this.flush();
    } else {
      this.#timer ??= this.#options.clock.after(flushAfterMs, () => this.#flushInTime());
    }
  }

  /** A message could not be stored: nothing of it is written any more. */
  forget(recorder: MessageRecorder): void {
    this.#forgotten.add(recorder);
    this.#dirty.delete(recorder);
    this.#late.delete(recorder);
  }

  /** Writes the content since the last batch, or has it written; see {@link PatientWrites}. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    // An update that waits already will be of the message as it is then.
    const recorders = [...this.#dirty].filter((recorder) => !this.#late.has(recorder));
    this.#dirty.clear();
    if (recorders.length === 0) return;
    try {
      this.#writeTogether(recorders);
    } catch (error) {
      if (recorders.length === 1 || isDiskTrouble(error)) throw error;
      // One that cannot be stored does not keep the others from the disk.
      this.#dirty.clear();
      for (const recorder of recorders) {
        if (!this.#forgotten.has(recorder)) this.#tryAlone(recorder);
      }
      throw error;
    }
  }

  /** One commit for all of them: each commit costs as much as what it writes. */
  #writeTogether(recorders: readonly MessageRecorder[]): void {
    for (const recorder of recorders) this.#late.add(recorder);
    try {
      this.#options.writes.write(() => this.#updateLate(recorders));
    } catch (error) {
      // It may not have come to the update at all.
      for (const recorder of recorders) {
        if (this.#late.delete(recorder)) this.#dirty.add(recorder);
      }
      throw error;
    }
  }

  #tryAlone(recorder: MessageRecorder): void {
    try {
      this.#writeTogether([recorder]);
    } catch (error) {
      const fields = { message: recorder.id, reason: messageOf(error) };
      this.#options.log.warn(fields, "a message could not be stored yet");
    }
  }

  #updateLate(recorders: readonly MessageRecorder[]): void {
    // Until the commit is made they may still have to be written.
    for (const recorder of recorders) {
      this.#late.delete(recorder);
      this.#dirty.add(recorder);
    }
    try {
      for (const recorder of recorders) this.#update(recorder);
    } catch (error) {
      if (isHeldElsewhere(error)) for (const recorder of recorders) this.#isLate(recorder);
      throw error;
    }
    faultPoint("partStored");
  }

  #isLate(recorder: MessageRecorder): void {
    this.#dirty.delete(recorder);
    this.#late.add(recorder);
  }

  /**
   * Like {@link flush}, inside the transaction that ends the run and may still be rolled back. If
   * one message cannot be stored, its last stored form stays: the outcome of the run does not wait
   * for it.
   */
  write(): void {
    for (const recorder of new Set([...this.#dirty, ...this.#late])) {
      try {
        this.#replace(recorder);
      } catch (error) {
        if (isDiskTrouble(error)) throw error;
        this.#options.log.error(
          { message: recorder.id, reason: messageOf(error) },
          "the end of a message could not be stored",
        );
      }
    }
  }

  /** Ends the batches. Content that was not flushed is lost. */
  close(): void {
    this.#timer?.cancel();
    this.#dirty.clear();
  }

  /** Text that was only appended is written by itself; a message that changed otherwise, as a whole. */
  #update(recorder: MessageRecorder): void {
    const { id, appended, updatedAt, isFinished } = recorder;
    const stored = () => {
      this.#dirty.delete(recorder);
      if (!isFinished) recorder.wasStored();
    };
    const isAppended =
      appended !== undefined && this.#options.messages.append(id, appended, updatedAt, stored);
    if (!isAppended) this.#replace(recorder, stored);
  }

  #replace({ id, parts, updatedAt, isFinished }: MessageRecorder, stored?: () => void): void {
    this.#options.messages.update(id, partsText(parts), updatedAt, isFinished, stored);
  }

  #flushInTime(): void {
    this.#timer = undefined;
    try {
      this.flush();
    } catch (error) {
      // The content stays marked as unwritten. The next batch, or the turn's end, writes it or
      // fails the turn.
      this.#options.log.warn({ reason: messageOf(error) }, "streamed text could not be stored yet");
    }
  }
}
