// Ended spans on their way to the collector: a bounded queue, sent in batches.
import type { Clock, Timer } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { type Origin, spansBody } from "./otlpJson.js";
import type { OtlpSender } from "./otlpSender.js";
import type { EndedSpan } from "./ownSpans.js";
import type { TelemetrySettings } from "./settings.js";

/** The most characters that wait; they are nearly all contents. */
const mostCharacters = 16 * 1024 * 1024;
/** The most characters of a batch: a larger one would hold up the process while it is written. */
const mostOfBatch = 1024 * 1024;

/** What a queue needs. */
export interface SpanQueueOptions {
  readonly sender: OtlpSender;
  readonly origin: Origin;
  readonly batch: TelemetrySettings["batch"];
  readonly clock: Clock;
  readonly log: Log;
}

interface Waiting {
  readonly span: EndedSpan;
  readonly characters: number;
}

/** The queue. Adding to it never waits; what has no room is counted and lost. */
export class SpanQueue {
  readonly #options: SpanQueueOptions;
  #waiting: Waiting[] = [];
  #characters = 0;
  #dropped = 0;
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  add(span: EndedSpan): void {
    const { batch, clock } = this.#options;
    const characters = charactersOf(span);
    const isFull = this.#waiting.length >= batch.mostSpans;
    if (this.#isClosed || isFull || this.#characters + characters > mostCharacters) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ span, characters });
    this.#characters += characters;
    if (this.#waiting.length >= batch.size || this.#characters >= mostOfBatch) this.#begin();
    else this.#timer ??= clock.after(batch.delayMs, () => this.#begin());
  }

  /** Sends what waits. Resolves when all of it has arrived or is lost. */
  async flush(): Promise<void> {
    this.#begin();
    await this.#sending;
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    if (this.#dropped > 0) this.#tellDropped();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0 && !this.#isClosed) {
        this.#timer ??= this.#options.clock.after(this.#options.batch.delayMs, () => this.#begin());
      }
    });
  }

  async #send(): Promise<void> {
    const { sender, origin } = this.#options;
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const spans = this.#take();
      const hasArrived = await sender.send(spansBody(spans, origin));
      if (!hasArrived) this.#dropped += spans.length;
      else if (this.#dropped > 0) this.#tellDropped();
    }
  }

  #take(): EndedSpan[] {
    let characters = 0;
    let count = 0;
    for (const one of this.#waiting) {
      if (count > 0 && (count >= this.#options.batch.size || characters >= mostOfBatch)) break;
      characters += one.characters;
      count++;
    }
    this.#characters -= characters;
    return this.#waiting.splice(0, count).map(({ span }) => span);
  }

  #tellDropped(): void {
    this.#options.log.warn({ spans: this.#dropped }, "spans were lost on their way");
    this.#dropped = 0;
  }
}

function charactersOf({ attributes }: EndedSpan): number {
  return Object.values(attributes).reduce<number>(
    (sum, value) => sum + (typeof value === "string" ? value.length : 8),
    0,
  );
}
