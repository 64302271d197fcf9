// The events that wait while the pipe is busy (protocol.md section 6). Their number and size are
// bounded. Deltas of one part are merged. Of a run's activity only the newest is kept. When the
// buffer is full, the oldest delta is dropped first and counted.
import type { LossyEvent, NotificationParams } from "../protocol/registry.js";

/** The most events that wait on one connection. */
export const maxEvents = 1024;
/** The most text that waits on one connection, in UTF-16 units. */
export const maxUnits = 8 * 1024 * 1024;

interface Entry {
  readonly ordinal: number;
  event: LossyEvent;
  /** The text that was merged into a delta; undefined if there is none yet. */
  more: MergedText | undefined;
  /** Where the text of a delta ends in its part, in UTF-16 units. */
  end: number;
  units: number;
  isGone: boolean;
}

/** The events that wait on one connection, in order. */
export class EventBuffer {
  #entries: Entry[] = [];
  #head = 0;
  #deltas: Entry[] = [];
  #deltasHead = 0;
  /** For each session, its newest event, if the next event may be merged with it or replace it. */
  readonly #tails = new Map<string, Entry>();
  #live = 0;
  #units = 0;
  #dropped = 0;
  /** How many events were merged into others, and how many were dropped, since the beginning. */
  readonly #counts = { merged: 0, dropped: 0 };
  #lastOrdinal = 0;

  /** The ordinal of the newest event ever added. */
  get lastOrdinal(): number {
    return this.#lastOrdinal;
  }

  /** The ordinal of the oldest event that waits; infinite if none waits. */
  get firstOrdinal(): number {
    this.#skipGone();
    return this.#entries[this.#head]?.ordinal ?? Number.POSITIVE_INFINITY;
  }

  /** What waits, and what was merged or dropped. */
  get load() {
    return { events: this.#live, eventText: this.#units, ...this.#counts };
  }

  /** The text that waits, in UTF-16 units. */
  get units(): number {
    return this.#units;
  }

  /** Whether nothing waits, not even a report of dropped events. */
  get isEmpty(): boolean {
    return this.#live === 0 && this.#dropped === 0;
  }

  /**
   * Adds an event: it is merged with the delta before it, replaces an outdated one, or is appended.
   */
  add(event: LossyEvent): void {
    if (event.method === "runActivity") {
      const tail = this.#tails.get(event.params.sessionId);
      if (tail !== undefined && isOutdated(tail.event, event.params)) {
        tail.event = event;
        this.#merged(tail, unitsOf(event) - tail.units);
        return;
      }
    }
    if (event.method === "messageDelta") {
      const tail = this.#tails.get(event.params.sessionId);
      if (tail !== undefined && continues(tail, event.params)) {
        const { delta } = event.params;
        tail.more ??= new MergedText();
        tail.more.add(delta);
        tail.end += delta.length;
        this.#merged(tail, delta.length);
        return;
      }
    }
    const entry: Entry = {
      ordinal: ++this.#lastOrdinal,
      event,
      more: undefined,
      end: event.method === "messageDelta" ? event.params.offset + event.params.delta.length : 0,
      units: 0,
      isGone: false,
    };
    this.#entries.push(entry);
    this.#live++;
    this.#grow(entry, unitsOf(event));
    if (event.method === "messageDelta") this.#deltas.push(entry);
    if (event.method === "messageDelta" || event.method === "runActivity") {
      this.#tails.set(event.params.sessionId, entry);
    } else if ("sessionId" in event.params) {
      this.#tails.delete(event.params.sessionId);
    }
    this.#makeRoom();
  }

  /** Takes the oldest event out; a report of dropped events comes before it. */
  take(): LossyEvent | undefined {
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      return { method: "eventsDropped", params: { count } };
    }
    this.#skipGone();
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#remove(entry);
    const { event } = entry;
    if (event.method !== "messageDelta" || entry.more === undefined) return event;
    const delta = event.params.delta + entry.more.text;
    return { method: "messageDelta", params: { ...event.params, delta } };
  }

  /** Counts events that went, or were taken out and could not be sent. */
  countDropped(count = 1): void {
    this.#dropped += count;
    this.#counts.dropped += count;
  }

  #merged(entry: Entry, units: number): void {
    this.#counts.merged++;
    this.#grow(entry, units);
    this.#makeRoom();
  }

  #grow(entry: Entry, units: number): void {
    entry.units += units;
    this.#units += units;
  }

  #makeRoom(): void {
    // One event alone is never too much, since it leaves where the pipe is free. A delta that others
    // have joined is no longer than the bound (see `continues`), so that this holds for it as well.
    while (this.#live > maxEvents || (this.#units > maxUnits && this.#live > 1)) {
      let victim = this.#deltas[this.#deltasHead];
      while (victim?.isGone) victim = this.#deltas[++this.#deltasHead];
      if (victim === undefined) {
        this.#skipGone();
        victim = this.#entries[this.#head];
        if (victim === undefined) return;
      }
      this.#remove(victim);
      this.countDropped(1 + (victim.more?.count ?? 0));
    }
    this.#deltasHead = compact(this.#deltas, this.#deltasHead);
  }

  #remove(entry: Entry): void {
    entry.isGone = true;
    this.#live--;
    this.#units -= entry.units;
    if ("sessionId" in entry.event.params) {
      const { sessionId } = entry.event.params;
      if (this.#tails.get(sessionId) === entry) this.#tails.delete(sessionId);
    }
    this.#skipGone();
  }

  #skipGone(): void {
    while (this.#entries[this.#head]?.isGone) this.#head++;
    this.#head = compact(this.#entries, this.#head);
    while (this.#deltas[this.#deltasHead]?.isGone) this.#deltasHead++;
    this.#deltasHead = compact(this.#deltas, this.#deltasHead);
  }
}

/** Frees the entries before `head` once they are most of the list; returns the new head. */
function compact(list: unknown[], head: number): number {
  if (head < 64 || head * 2 < list.length) return head;
  list.splice(0, head);
  return 0;
}

/** The joined texts of deltas, in few pieces for any number of deltas. */
class MergedText {
  readonly #whole: string[] = [];
  #pieces: string[] = [];
  #count = 0;

  /** The number of texts that were added. */
  get count(): number {
    return this.#count;
  }

  get text(): string {
    return this.#whole.join("") + this.#pieces.join("");
  }

  add(text: string): void {
    this.#count++;
    // A list of millions of single characters would weigh far more than their text.
    if (this.#pieces.push(text) < 1024) return;
    this.#whole.push(this.#pieces.join(""));
    this.#pieces = [];
  }
}

function continues(tail: Entry, next: NotificationParams<"messageDelta">): boolean {
  if (tail.event.method !== "messageDelta") return false;
  const { params } = tail.event;
  return (
    params.messageId === next.messageId &&
    params.partIndex === next.partIndex &&
    params.kind === next.kind &&
    // A part that was begun again continues nothing.
    tail.end === next.offset &&
    // When an event has grown to the limit, the next one begins, so that the older one can be
    // dropped.
    tail.end - params.offset + next.delta.length <= maxUnits
  );
}

/** Whether an activity event is outdated: the same run does something else now. */
function isOutdated(event: LossyEvent, next: NotificationParams<"runActivity">): boolean {
  return event.method === "runActivity" && event.params.runId === next.runId;
}

/** The size of an event without its text. */
const overhead = 256;

function unitsOf(event: LossyEvent): number {
  if (event.method === "messageDelta") return overhead + event.params.delta.length;
  if (event.method === "runActivity") return overhead + (event.params.reason?.length ?? 0);
  if (event.method !== "messageCreated" && event.method !== "messageUpdated") return overhead;
  return event.params.message.parts.reduce((sum, part) => sum + weightOf(part), overhead);
}

/** The texts in a part and in all that it holds, with a little for each member. */
function weightOf(part: object): number {
  let units = overhead;
  const waiting: object[] = [part];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    for (const value of Object.values(one)) {
      units += typeof value === "string" ? value.length : 8;
      if (typeof value === "object" && value !== null) waiting.push(value);
    }
  }
  return units;
}
