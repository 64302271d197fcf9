// The pump of one connection (protocol.md sections 5 and 6). Only it writes events and completions.
// It writes a few messages that wait, in one piece, when the pipe has taken what came before. A completion
// follows everything else of its run, and a slow reader costs a bounded amount of memory.
import type { ClientLoad } from "../base/clientLoad.js";
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { LossyEvent } from "../protocol/registry.js";
import type { CompletionRow } from "../storage/completionStore.js";
import { CompletionFeed } from "./completionFeed.js";
import type { DeliveryOptions } from "./deliveryOptions.js";
import { DiskRest } from "./diskRest.js";
import { EventBuffer } from "./eventBuffer.js";
import type { IsDue } from "./lateLane.js";
import type { Appended } from "./outbox.js";
import { type PieceMessage, PieceWriter } from "./pieceWriter.js";
import type { Sender } from "./sender.js";

/** After this many messages in a row, other work of the process gets its turn. */
const messagesInARow = 16;
/** Messages that wait go to the pipe together until they have this much text, in UTF-16 units. */
const mostUnitsTogether = 64 * 1024;

/** The pump of one connection. */
export class Delivery {
  readonly #sender: Sender;
  readonly #writer: PieceWriter;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #buffer = new EventBuffer();
  readonly #feed: CompletionFeed;
  readonly #idle: (() => void)[] = [];
  readonly #options: DeliveryOptions<Delivery>;
  /** The newest announced completion of this client, and who waits until it is written. */
  #announced = 0;
  #awaiting: { readonly upTo: number; readonly settle: () => void }[] = [];
  #clientId: string;
  #optOut: ReadonlySet<string> = new Set();
  #isPumping = false;
  #isWoken = false;
  #isHeld = false;
  #isClosed = false;
  readonly #disk: DiskRest;
  #timer: Timer | undefined;

  constructor(options: DeliveryOptions<Delivery>) {
    this.#sender = options.sender;
    this.#writer = new PieceWriter(options.sender, options.log, () => this.#buffer.countDropped());
    this.#clock = options.clock;
    this.#log = options.log;
    this.#disk = new DiskRest(options.log);
    this.#clientId = options.clientId;
    this.#feed = new CompletionFeed(options.outbox, options.clientId);
    this.#options = options;
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** What waits for the client at this moment. */
  get load(): ClientLoad {
    return { ...this.#sender.load?.(), clientId: this.#clientId, ...this.#buffer.load };
  }

  /** Takes an event that may be lost. Never waits for the pipe. */
  offer(event: LossyEvent): void {
    if (this.#isClosed || this.#optOut.has(event.method)) return;
    if (this.#options.wants?.(event) === false) return;
    this.#buffer.add(event);
    this.#wake();
  }

  /** Takes a completion that was committed, and sends it if it belongs to this client. */
  announce(appended: Appended): void {
    if (this.#isClosed || appended.clientId !== this.#clientId) return;
    const { sequence } = appended.completion;
    if (appended.isOfAnother) this.#feed.announceOfAnother(sequence, this.#buffer.lastOrdinal);
    else {
      this.#feed.announce(appended.row, this.#buffer.lastOrdinal);
      this.#announced = sequence;
    }
    this.#wake();
  }

  /** Sends a completion of this client once more, if it is not acknowledged. */
  again(sequence: number): void {
    this.#feed.again(sequence);
    this.#wake();
  }

  /**
   * Looks for completions that other servers wrote for this client and that are due now. Returns
   * whether there are some that are not due yet.
   */
  lookForLate(isDue: IsDue): boolean {
    if (this.#isClosed) return false;
    const isWaiting = this.#feed.lookForLate(isDue, this.#buffer.lastOrdinal);
    this.#wake();
    return isWaiting;
  }

  /** Resolves once every completion announced by now was written, or the connection is closed. */
  completionsWritten(): Promise<void> {
    if (this.#isClosed || this.#announced === 0) return Promise.resolve();
    return new Promise((settle) => {
      this.#awaiting.push({ upTo: this.#announced, settle });
      this.#wake();
    });
  }

  /**
   * The client has given its identity: from now on it gets the completions of that identity.
   * Nothing is sent until {@link release}, so that the answer to `initialize` comes first.
   */
  identify(client: {
    clientId: string;
    ackTimeoutMs: number | undefined;
    optOutNotifications: readonly string[];
  }): { pending: number } {
    const { clientId, ackTimeoutMs } = client;
    // This is first because it can fail; then nothing has changed.
    const told = this.#feed.restart(clientId, ackTimeoutMs, this.#buffer.lastOrdinal);
    this.#isHeld = true;
    this.#clientId = clientId;
    this.#optOut = new Set(client.optOutNotifications);
    this.#options.onIdentified?.(this);
    return told;
  }

  /** The answer to `initialize` was written, so everything else may follow. */
  release(): void {
    this.#isHeld = false;
    this.#wake();
  }

  /** Resolves once nothing waits to be sent, or the connection is closed. */
  drained(): Promise<void> {
    if (!this.#isPumping || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Sends nothing more. What was not sent stays on disk. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#settleIdle();
  }

  #wake(): void {
    this.#isWoken = true;
    if (this.#isPumping || this.#isHeld || this.#isClosed) return;
    this.#isPumping = true;
    this.#isWoken = false;
    // Waits a moment: the effects of a request must follow its answer, and deltas that arrive
    // together are merged.
    this.#clock.soon(() => {
      this.#pump().then(
        () => this.#rest(),
        (error: unknown) => this.#fail(error),
      );
    });
  }

  async #pump(): Promise<void> {
    let inARow = 0;
    while (!this.#isClosed && !this.#isHeld) {
      this.#settleWritten();
      const found = this.#nextMessages();
      if (found.length === 0) return;
      const piece = this.#counted(found);
      // Where all of them were completions that nobody needs any more, it is empty.
      if (piece.length > 0) await this.#writer.write(piece);
      inARow += found.length;
      if (inARow < messagesInARow) continue;
      inARow = 0;
      await new Promise<void>((resolve) => this.#clock.soon(resolve));
    }
  }

  /**
   * What goes to the pipe next, in its order. The end of a turn goes with what came just before it, and with
   * the ends that were committed with it: each write to a pipe costs as much as what is in it.
   */
  #nextMessages(): (LossyEvent | CompletionRow)[] {
    const { canJoin } = this.#writer;
    const found: (LossyEvent | CompletionRow)[] = [];
    const before = this.#buffer.units;
    let last: CompletionRow | undefined;
    let units = 0;
    do {
      const row = this.#nextCompletion(last);
      // Something else must come first.
      if (last !== undefined && row === undefined && this.#isNext(last)) break;
      const events = row === undefined ? this.#nextEvents(last) : [];
      if (row === undefined && events.length === 0) break;
      found.push(...(row === undefined ? events : [row]));
      units += row?.body?.length ?? 0;
      last = row ?? last;
      // Nothing is known to come behind it.
      if (row !== undefined && !Number.isFinite(this.#feed.barrier(row))) break;
    } while (
      canJoin &&
      found.length < messagesInARow &&
      units + before - this.#buffer.units < mostUnitsTogether
    );
    return found;
  }

  /** Whether the completion behind `last` need not wait for any event. */
  #isNext(last: CompletionRow): boolean {
    return this.#feed.barrier(last) < this.#buffer.firstOrdinal;
  }

  /** The oldest events that wait: as many as may go to the pipe together, before the completion behind `last`. */
  #nextEvents(last: CompletionRow | undefined): LossyEvent[] {
    const most = this.#writer.canJoin ? messagesInARow : 1;
    const end = this.#feed.barrier(last);
    const before = this.#buffer.units;
    const events: LossyEvent[] = [];
    const isFull = () =>
      events.length >= most ||
      this.#buffer.firstOrdinal > end ||
      before - this.#buffer.units >= mostUnitsTogether;
    do {
      const event = this.#buffer.take();
      if (event === undefined) break;
      // The buffer may hold events from before the client said that it does not want them.
      if (!this.#optOut.has(event.method)) events.push(event);
    } while (events.length === 0 || !isFull());
    return events;
  }

  /** The next completion, behind `last` if that is one. */
  #nextCompletion(last: CompletionRow | undefined): CompletionRow | undefined {
    const now = this.#clock.now();
    const first = this.#buffer.firstOrdinal;
    return this.#disk.ask(now, () =>
      last === undefined ? this.#feed.next(first, now) : this.#feed.behind(last, first),
    );
  }

  /** The messages as they are sent, with their completions counted. */
  #counted(found: readonly (LossyEvent | CompletionRow)[]): PieceMessage[] {
    const rows = found.filter((one): one is CompletionRow => !isEvent(one));
    if (rows.length === 0) return found.filter(isEvent);
    const now = this.#clock.now();
    const completions = this.#disk.ask(now, () => this.#feed.take(rows, now)) ?? [];
    return found.flatMap((one): PieceMessage[] => {
      if (isEvent(one)) return [one];
      const params = completions[rows.indexOf(one)];
      return params === undefined ? [] : [{ method: "runComplete", params }];
    });
  }

  /** Between two messages: everything that was taken has been written. */
  #settleWritten(): void {
    if (this.#awaiting.length === 0) return;
    try {
      const isWritten = ({ upTo }: { upTo: number }) => this.#feed.hasTaken(upTo);
      for (const { settle } of this.#awaiting.filter(isWritten)) settle();
      this.#awaiting = this.#awaiting.filter((one) => !isWritten(one));
    } catch (error) {
      // The callers wait only for a limited time.
      this.#log.warn({ reason: messageOf(error) }, "the completions could not be looked at");
    }
  }

  #rest(): void {
    this.#isPumping = false;
    if (this.#isClosed) return;
    if (this.#isWoken) {
      // Something arrived after the pump had looked last.
      this.#wake();
      return;
    }
    this.#settleIdle();
    this.#timer?.cancel();
    const now = this.#clock.now();
    const dueAt = this.#disk.until(now) ?? this.#feed.nextDueAt;
    if (dueAt !== undefined) {
      this.#timer = this.#clock.after(Math.max(0, dueAt - now), () => this.#wake());
    }
  }

  #fail(error: unknown): void {
    // The connection is gone. Its owner closes it, and completions wait on disk.
    this.#log.warn({ reason: messageOf(error) }, "delivery stopped");
    this.close();
  }

  #settleIdle(): void {
    for (const settle of this.#idle.splice(0)) settle();
    if (this.#isClosed) for (const { settle } of this.#awaiting.splice(0)) settle();
  }
}

function isEvent(one: LossyEvent | CompletionRow): one is LossyEvent {
  return "method" in one;
}
