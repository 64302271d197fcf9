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
  #timer: Timer | undefined;

  constructor(options: MessageBatchesOptions) {
    this.#options = options;
  }

  /** A message has changed: it is written at once, or with the next batch. */
  store(recorder: MessageRecorder, when: "now" | "soon"): void {
    this.#dirty.add(recorder);
    if (when === "now") {
      this.flush();
    } else {
      this.#timer ??= this.#options.clock.after(flushAfterMs, () => this.#flushInTime());
    }
  }

  /** Writes the content since the last batch, or has it written; see {@link PatientWrites}. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const recorder of this.#dirty) {
      this.#dirty.delete(recorder);
      // An update that waits already will be of the message as it is then.
      if (this.#late.has(recorder)) continue;
      this.#late.add(recorder);
      try {
        this.#options.writes.write(() => this.#updateLate(recorder));
      } catch (error) {
        // It may not have come to the update at all.
        if (this.#late.delete(recorder)) this.#dirty.add(recorder);
        throw error;
      }
    }
  }

  #updateLate(recorder: MessageRecorder): void {
    this.#late.delete(recorder);
    try {
      this.#update(recorder);
    } catch (error) {
      (isHeldElsewhere(error) ? this.#late : this.#dirty).add(recorder);
      throw error;
    }
    faultPoint("partStored");
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
    const stored = isFinished ? undefined : () => recorder.wasStored();
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
