// One relay at work (docs/fleet.md): it carries the completions of a data directory to one place, in
// order, and moves its cursor over what is confirmed.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Log } from "../base/log.js";
import { within } from "../base/within.js";
import type { Outbox } from "../events/outbox.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { RelayRow, RelayStore, SetAside } from "../storage/relayStore.js";
import { type RelayedEvent, type RelayIdentity, relayedEvent } from "./relayedEvent.js";
import {
  afterRefused,
  afterRound,
  type RelayState,
  type RelayStep,
  type Sent,
} from "./relaySteps.js";
import type { Delivered, Sink } from "./sink.js";

/** How long it waits for completions that it does not hear of, in milliseconds: other servers write too. */
const betweenLooksMs = 1000;
/** After an error of the database. */
const laterMs = 1000;
/** How long an end waits for a place that was told to break off, in milliseconds. */
const endMs = 1000;
/** About how much is in memory at a time, in UTF-16 units. */
const mostUnits = 1024 * 1024;

/** What a relay works with. */
export interface RelayOptions {
  readonly name: string;
  readonly sink: Sink;
  readonly identity: RelayIdentity;
  readonly outbox: Pick<Outbox, "following">;
  readonly store: RelayStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Completions are confirmed, up to a sequence. It must not throw. */
  onConfirmed?(completionIds: readonly string[], cursor: number): void;
}

/** A relay from its start to its end. It never throws, and never keeps anybody waiting. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #ending = new AbortController();
  #failures = 0;
  #mostBytes: number | undefined;
  #timer: Timer | undefined;
  /** Set while nothing is to be done but to look for more. */
  #isIdle = false;
  #round: Promise<void> | undefined;
  #isForgotten = false;
  #toldTrouble: string | undefined;
  #onRest: () => void = () => {};
  #leave: () => void = () => {};

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Registers the relay, and begins. @throws DomainError `StorageFailed` if it cannot be registered. */
  start(): void {
    const { store, name, clock } = this.#options;
    store.register(name, clock.now());
    this.#next(0);
  }

  /** There may be a new completion. */
  wake(): void {
    if (this.#isIdle) this.#next(0);
  }

  /** Whether something is still to be sent, as far as is known. */
  get isBehind(): boolean {
    return !this.#isIdle;
  }

  /** Whether it was forgotten while it worked. */
  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /**
   * Ends: at once if there is nothing to send, or if the place does not take it; else `patience` may give
   * it a little time. A place that does not even break off is left behind.
   */
  async close(patience: Promise<void>): Promise<void> {
    if (!this.#isIdle && this.#failures === 0 && !this.#isForgotten) {
      await Promise.race([new Promise<void>((resolve) => (this.#onRest = resolve)), patience]);
    }
    this.#ending.abort();
    this.#timer?.cancel();
    const { clock, sink } = this.#options;
    const timer = clock.after(endMs, () => this.#leave());
    await this.#round;
    timer.cancel();
    await within(clock, endMs, sink.close());
  }

  #next(ms: number | undefined): void {
    this.#timer?.cancel();
    this.#isIdle = ms === undefined;
    if (ms === undefined || this.#failures > 0) this.#onRest();
    if (this.#ending.signal.aborted || this.#isForgotten) return;
    this.#timer = this.#options.clock.after(ms ?? betweenLooksMs, () => {
      this.#isIdle = false;
      this.#round = this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      const nextMs = await this.#workOnce();
      this.#next(nextMs);
    } catch (error) {
      const { log, name } = this.#options;
      log.warn({ relay: name, reason: messageOf(error) }, "a relay goes on later");
      this.#failures++;
      this.#next(laterMs);
    }
  }

  /** One round; returns when the next one begins. */
  async #workOnce(): Promise<number | undefined> {
    const { store, name, outbox, sink } = this.#options;
    const row = store.find(name);
    if (row === undefined) {
      this.#isForgotten = true;
      return undefined;
    }
    if (row.isStopped) return undefined;
    const asked = store.nextAsked(name);
    if (asked !== undefined) return this.#sendAgain(row, asked);
    const rows = this.#mostBytes === undefined && row.refusals === 0 ? sink.batch : 1;
    const completions = outbox.following(row.cursor, { rows, bytes: mostUnits });
    if (completions.length === 0) return undefined;
    const step = await this.#send(row, completions);
    this.#store(row, step, completions);
    return step.nextMs;
  }

  async #send(row: RelayRow, completions: readonly RunComplete[]): Promise<RelayStep> {
    const { clock } = this.#options;
    const state = this.#stateOf(row);
    const { events, sent } = this.#eventsOf(completions);
    const [head] = completions;
    if (events.length === 0 && head !== undefined) {
      const reason = "it is too large, even without its text";
      return afterRefused(state, { ...idsOf(head), bytes: 0 }, reason, clock.now());
    }
    return afterRound(state, sent, await this.#deliver(events), clock.now());
  }

  /** Those that fit, up to the first that does not. */
  #eventsOf(completions: readonly RunComplete[]): { events: RelayedEvent[]; sent: Sent[] } {
    const events: RelayedEvent[] = [];
    const sent: Sent[] = [];
    for (const completion of completions) {
      const event = relayedEvent(completion, this.#options.identity, this.#mostBytes);
      if (event.json === undefined) break;
      events.push(event);
      sent.push({ ...idsOf(completion), bytes: Buffer.byteLength(event.json) });
    }
    return { events, sent };
  }

  async #deliver(events: readonly RelayedEvent[]): Promise<Delivered> {
    const { signal } = this.#ending;
    faultPoint("relaying");
    const left = new Promise<Delivered>((resolve) => {
      this.#leave = () => resolve({ confirmed: 0 });
    });
    const delivered = await Promise.race([this.#options.sink.deliver(events, signal), left]);
    faultPoint("relayed");
    // What was broken off by the end of this server is no trouble.
    return signal.aborted ? { confirmed: delivered.confirmed } : delivered;
  }

  #stateOf({ cursor, refusals, refusedSince, trouble, isStopped }: RelayRow): RelayState {
    const failures = this.#failures;
    return {
      cursor,
      refusals,
      refusedSince,
      trouble,
      isStopped,
      failures,
      mostBytes: this.#mostBytes,
    };
  }

  #store(row: RelayRow, { state, aside }: RelayStep, completions: readonly RunComplete[]): void {
    const { store, name, clock, log } = this.#options;
    const now = clock.now();
    if (hasChanged(row, state)) {
      store.change(name, state, now, aside && { ...aside, at: now });
      faultPoint("relayMoved");
    }
    this.#failures = state.failures;
    this.#mostBytes = state.mostBytes;
    this.#tellTrouble(state);
    if (aside !== undefined) {
      const { completionId, reason } = aside;
      log.error({ relay: name, completionId, reason }, "a completion is set aside by a relay");
    }
    if (state.cursor > row.cursor) {
      const ids = completions
        .filter(({ sequence }) => sequence <= state.cursor)
        .map(({ completionId }) => completionId);
      this.#options.onConfirmed?.(ids, state.cursor);
    }
  }

  #tellTrouble({ trouble, isStopped }: RelayState): void {
    if (trouble === this.#toldTrouble) return;
    const { log, name } = this.#options;
    if (isStopped) log.error({ relay: name, reason: trouble }, "a relay was told to stop");
    else if (trouble !== undefined) log.warn({ relay: name, reason: trouble }, "a relay waits");
    else log.info({ relay: name }, "a relay goes on");
    this.#toldTrouble = trouble;
  }

  /** What was set aside is sent again, out of order, because somebody asked for it. */
  async #sendAgain(row: RelayRow, asked: SetAside): Promise<number | undefined> {
    const { store, name, clock } = this.#options;
    const [completion] = this.#options.outbox.following(asked.sequence - 1, { rows: 1, bytes: 1 });
    if (completion?.sequence !== asked.sequence) {
      // Somebody has deleted it by hand.
      store.sent(name, asked.sequence);
      return 0;
    }
    const { events, sent } = this.#eventsOf([completion]);
    const [head = { ...idsOf(completion), bytes: 0 }] = sent;
    const delivered: Delivered =
      events.length === 0
        ? { confirmed: 0, refusal: { kind: "refused", reason: asked.reason } }
        : await this.#deliver(events);
    // What the row says of refusals is about the completion behind the cursor, not about this one.
    const { cursor, refusals, refusedSince } = row;
    const unrefused = { ...this.#stateOf(row), refusals: 0, refusedSince: undefined };
    const { state, nextMs } = afterRound(unrefused, [head], delivered, clock.now());
    const standing = { ...state, cursor, refusals, refusedSince };
    const isTaken = delivered.confirmed === 1;
    const isRefused = state.refusals > 0;
    if (!isTaken && !isRefused) {
      this.#store(row, { state: standing, nextMs }, []);
      return nextMs;
    }
    if (isTaken) store.sent(name, asked.sequence);
    else this.#setAsideAgain(asked, state.trouble ?? asked.reason);
    // The place answers: nothing is in the way but what that completion meets with.
    const trouble = refusals === 0 ? undefined : row.trouble;
    this.#store(row, { state: { ...standing, trouble, mostBytes: undefined }, nextMs: 0 }, []);
    if (isTaken) this.#options.onConfirmed?.([completion.completionId], cursor);
    return 0;
  }

  #setAsideAgain(asked: SetAside, reason: string): void {
    const { store, name, clock, log } = this.#options;
    store.refusedAgain(name, { ...asked, reason, at: clock.now() });
    const { completionId } = asked;
    log.error({ relay: name, completionId, reason }, "a completion is set aside by a relay");
  }
}

function idsOf({ sequence, completionId }: RunComplete) {
  return { sequence, completionId };
}

function hasChanged(row: RelayRow, state: RelayState): boolean {
  return (["cursor", "refusals", "refusedSince", "trouble", "isStopped"] as const).some(
    (name) => row[name] !== state[name],
  );
}
