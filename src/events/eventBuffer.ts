// What waits while the pipe is busy (protocol.md section 6): bounded, deltas of one part merged into
// one, of what a run is busy with the newest alone, and when it is full the oldest delta goes first and
// is counted.
import type { LossyEvent, NotificationParams } from "../protocol/registry.js";

/** The most events that wait on one connection. */
export const maxEvents = 1024;
/** The most text that waits on one connection, in UTF-16 units. */
export const maxUnits = 8 * 1024 * 1024;

interface Entry {
  readonly ordinal: number;
  event: LossyEvent;
  /** What streamed in behind a delta; undefined until something does. */
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
  /** By session, its newest event where the next one may join it or take its place. */
  readonly #tails = new Map<string, Entry>();
  #live = 0;
  #units = 0;
  #dropped = 0;
  #lastOrdinal = 0;

  /** The ordinal of the newest event ever added. */
  get lastOrdinal(): number {
    return this.#lastOrdinal;
  }

  /** The ordinal of the oldest event that waits; infinite where none does. */
  get firstOrdinal(): number {
    this.#skipGone();
    return this.#entries[this.#head]?.ordinal ?? Number.POSITIVE_INFINITY;
  }

  /** Whether nothing waits, not even the news of a drop. */
  get isEmpty(): boolean {
    return this.#live === 0 && this.#dropped === 0;
  }

  /** Adds an event, joins it to the delta before it, or puts it in the place of one that it outdates. */
  add(event: LossyEvent): void {
    if (event.method === "runActivity") {
      const tail = this.#tails.get(event.params.sessionId);
      if (tail !== undefined && isOutdated(tail.event, event.params)) {
        this.#grow(tail, unitsOf(event) - tail.units);
        tail.event = event;
        this.#makeRoom();
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
        this.#grow(tail, delta.length);
        this.#makeRoom();
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

  /** Takes the oldest event out; news of a drop comes before it. */
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

  /** Counts an event that was taken out and could not be sent. */
  countDropped(): void {
    this.#dropped++;
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
      this.#dropped += 1 + (victim.more?.count ?? 0);
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

/** Frees what lies before `head` once that is most of the list; returns the new head. */
function compact(list: unknown[], head: number): number {
  if (head < 64 || head * 2 < list.length) return head;
  list.splice(0, head);
  return 0;
}

/** The texts of deltas one behind the other, in few pieces however many they are. */
class MergedText {
  readonly #whole: string[] = [];
  #pieces: string[] = [];
  #count = 0;

  /** How many texts were added. */
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
    // A part that was begun afresh continues nothing.
    tail.end === next.offset &&
    // Where one event has grown to the bound the next begins, so that the older one can be dropped.
    tail.end - params.offset + next.delta.length <= maxUnits
  );
}

/** Whether what a run was busy with is of no interest any more: the same run does something else. */
function isOutdated(event: LossyEvent, next: NotificationParams<"runActivity">): boolean {
  return event.method === "runActivity" && event.params.runId === next.runId;
}

/** What an event weighs beside its text. */
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
