// What docs/fleet.md promises of a relay, step by step beside the real one on a real file: a place that
// takes, refuses and forgets as the history says, servers that die at any moment, and a person.
import fc from "fast-check";
import { expect } from "vitest";
import { Relay } from "../../src/relay/relay.js";
import type { RelayedEvent } from "../../src/relay/relayedEvent.js";
import type { Delivered, Refusal, Sink } from "../../src/relay/sink.js";
import { keepAcknowledgedMs } from "../../src/storage/pruner.js";
import { RelayStore } from "../../src/storage/relayStore.js";
import { OutboxHouse } from "../helpers/outboxHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";

const refusals: readonly Refusal[] = [
  { kind: "wait", reason: "away" },
  { kind: "wait", reason: "busy", afterMs: 90_000 },
  { kind: "again" },
  { kind: "tooLarge", reason: "large" },
  { kind: "tooLarge", reason: "large", mostBytes: 900 },
  { kind: "refused", reason: "bad" },
  { kind: "stop", reason: "gone" },
];

/** What the place does with the next delivery; an answer that is lost was taken all the same. */
const moodArbitrary = fc.record({
  takes: fc.nat({ max: 6 }),
  refusal: fc.option(fc.constantFrom(...refusals), { nil: undefined, freq: 2 }),
  losesAnswer: fc.boolean(),
});
type Mood = typeof moodArbitrary extends fc.Arbitrary<infer T> ? T : never;

/**
 * Where a server dies within a step: before the place has anything, when it has a part of it, when it has all
 * and nothing is stored of that, before or after something is stored, and before others are told.
 */
const deaths = ["sending", "inTheMiddle", "sent", "storing", "stored", "telling"] as const;
type Death = (typeof deaths)[number];

export const relayStepArbitrary = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("append"), letters: fc.nat({ max: 3000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("acknowledge"), pick: fc.nat({ max: 30 }) }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("mood"), mood: moodArbitrary }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("settle") }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("wait"),
      ms: fc.constantFrom(900, 5000, 61_000, 360_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("kill") }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("die"),
      death: fc.constantFrom(...deaths),
      passes: fc.nat({ max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("end") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("retry") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("prune") }) },
);
export type RelayHistoryStep = typeof relayStepArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** The end of a server that comes at a point within a step. Nothing more of that server happens then. */
class Doom {
  #death: Death | undefined;
  #passes = 0;
  #onDeath: () => void;
  isDead = false;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  /** It comes when the point has been passed so many times. */
  set(death: Death, passes: number): void {
    this.#death = death;
    this.#passes = passes;
  }

  /** Whether it comes here. */
  comesAt(death: Death): boolean {
    if (this.isDead || death !== this.#death || this.#passes-- > 0) return this.isDead;
    this.isDead = true;
    this.#onDeath();
    return true;
  }

  /** Ends what is not waited for. */
  strike(death: Death): void {
    if (this.comesAt(death)) throw new Error("the server has died");
  }
}

/** A store whose server can die before and after each write. */
class MortalStore extends RelayStore {
  readonly #doom: Doom;

  constructor(database: ConstructorParameters<typeof RelayStore>[0], doom: Doom) {
    super(database);
    this.#doom = doom;
  }

  override change(...change: Parameters<RelayStore["change"]>): void {
    this.#around(() => super.change(...change));
  }

  override sent(...sent: Parameters<RelayStore["sent"]>): void {
    this.#around(() => super.sent(...sent));
  }

  override refusedAgain(...refused: Parameters<RelayStore["refusedAgain"]>): void {
    this.#around(() => super.refusedAgain(...refused));
  }

  #around(write: () => void): void {
    this.#doom.strike("storing");
    write();
    this.#doom.strike("stored");
  }
}

/** The place. What it has taken stays. */
class OddPlace implements Sink {
  readonly batch = 4;
  readonly taken: RelayedEvent[] = [];
  readonly moods: Mood[] = [];
  readonly #doom: Doom;
  #isDead = false;

  constructor(doom: Doom, former?: OddPlace) {
    this.#doom = doom;
    this.taken = former?.taken ?? [];
    this.moods = former?.moods ?? [];
  }

  async deliver(events: readonly RelayedEvent[], signal: AbortSignal): Promise<Delivered> {
    expect(events.length).toBeGreaterThan(0);
    if (signal.aborted || this.#isDead) return { confirmed: 0 };
    const never = new Promise<never>(() => {});
    if (this.#doom.comesAt("sending")) return never;
    const { takes, refusal, losesAnswer } = this.moods.shift() ?? {
      takes: events.length,
      refusal: undefined,
      losesAnswer: false,
    };
    const count = refusal === undefined ? events.length : Math.min(takes, events.length - 1);
    if (this.#doom.comesAt("inTheMiddle")) {
      this.taken.push(...events.slice(0, Math.floor(count / 2)));
      return never;
    }
    this.taken.push(...events.slice(0, count));
    if (this.#doom.comesAt("sent")) return never;
    if (losesAnswer) return { confirmed: 0, refusal: { kind: "wait", reason: "no answer" } };
    return refusal === undefined ? { confirmed: count } : { confirmed: count, refusal };
  }

  /** The process is gone. */
  die(): void {
    this.#isDead = true;
  }

  async close(): Promise<void> {}
}

export class RelayHistory {
  readonly #directory: string;
  readonly #clock = new VirtualScheduler();
  readonly #appended: { readonly runId: string; readonly id: string }[] = [];
  readonly #acknowledged = new Set<string>();
  /** How many servers have died within a step. */
  deaths = 0;
  #house: OutboxHouse;
  #clockOfServer = this.#clock;
  #doom = this.#newDoom();
  #place = new OddPlace(this.#doom);
  #relay: Relay;

  constructor(directory: string) {
    this.#directory = directory;
    this.#house = this.#open();
    this.#relay = this.#begin();
  }

  get #store(): RelayStore {
    return new RelayStore(this.#house.database);
  }

  #open(): OutboxHouse {
    this.#clockOfServer = new VirtualScheduler(this.#clock.now());
    return new OutboxHouse(this.#directory, {
      clock: this.#clockOfServer,
      ids: new CountingIds(this.#appended.length * 1000),
    });
  }

  #begin(): Relay {
    const { outbox } = this.#house;
    const doom = this.#doom;
    const relay = new Relay({
      name: "place",
      sink: this.#place,
      identity: { machineId: "m", epoch: "e" },
      outbox,
      store: new MortalStore(this.#house.database, doom),
      onConfirmed: () => doom.strike("telling"),
      clock: this.#clockOfServer,
      log: recordingLog().log,
    });
    relay.start();
    return relay;
  }

  async take(step: RelayHistoryStep): Promise<void> {
    if (this.#doom.isDead) await this.#restart(true);
    const clock = this.#clockOfServer;
    if ("letters" in step) {
      const runId = `r${this.#appended.length}`;
      const id = this.#house.append(runId, "client", "s", "é".repeat(step.letters));
      this.#appended.push({ runId, id });
      this.#relay.wake();
    } else if ("mood" in step) this.#place.moods.push(step.mood);
    else if ("ms" in step) await this.#wait(step.ms);
    else if ("death" in step) this.#doom.set(step.death, step.passes);
    else if (step.type === "acknowledge" && "pick" in step) this.#acknowledge(step.pick);
    else if (step.type === "settle") await clock.settle();
    else if (step.type === "retry") this.#store.ask("place", undefined);
    else if (step.type === "prune") this.#prune();
    else if (step.type === "kill" || step.type === "end") await this.#restart(step.type === "kill");
    this.check();
  }

  async #wait(ms: number): Promise<void> {
    await this.#clockOfServer.advance(ms);
    await this.#clock.advance(ms);
  }

  #acknowledge(pick: number): void {
    const one = this.#appended[pick % Math.max(1, this.#appended.length)];
    if (one === undefined || this.#acknowledged.has(one.id)) return;
    this.#house.acknowledge(one.runId);
    this.#acknowledged.add(one.id);
  }

  /** Everything that was acknowledged is old now. */
  #prune(): void {
    const late = this.#clockOfServer.now() + keepAcknowledgedMs * 2;
    while (this.#house.completions.prune(late, 3) > 0);
  }

  async #restart(isKilled: boolean): Promise<void> {
    if (isKilled) {
      this.#place.die();
      this.#clockOfServer.stop();
      await this.#clock.settle();
    } else await this.#relay.close(Promise.resolve());
    this.#house.close();
    this.#doom = this.#newDoom();
    this.#place = new OddPlace(this.#doom, this.#place);
    this.#house = this.#open();
    this.#relay = this.#begin();
  }

  #newDoom(): Doom {
    return new Doom(() => {
      this.#place.die();
      this.#clockOfServer.stop();
      this.deaths += 1;
    });
  }

  /** What the place got, each the first time. */
  #firsts(): string[] {
    return [...new Set(this.#place.taken.map(({ completion }) => completion.completionId))];
  }

  check(): void {
    const { cursor } = this.#store.find("place") ?? { cursor: 0 };
    const got = new Set(this.#firsts());
    const aside = new Set(
      this.#store.setAside("place", 1000).map(({ completionId }) => completionId),
    );
    for (const [index, { id }] of this.#appended.entries()) {
      // The cursor moves over what is confirmed or set aside, without a gap.
      if (index < cursor)
        expect(got.has(id) || aside.has(id), `${id} is behind the cursor`).toBe(true);
      // Nothing before it, or that is set aside, is pruned.
      else
        expect(this.#house.outbox.following(index, { rows: 1, bytes: 1 })[0]?.completionId).toBe(
          id,
        );
    }
    for (const { completion, json = "" } of this.#place.taken) {
      const told = JSON.parse(json);
      expect(told.id).toBe(completion.completionId);
      const isWhole = told.data.text === completion.text;
      expect(told.data.textTruncated === true).toBe(!isWhole);
    }
  }

  /** In the end the place is well, and a person has asked for what was set aside. */
  async finish(): Promise<void> {
    // The last server dies of nothing.
    await this.#restart(true);
    this.#place.moods.length = 0;
    this.#store.ask("place", undefined);
    for (let rounds = 0; rounds < 70 && !this.#isDone(); rounds++) await this.#wait(60_000);
    this.check();
    expect(this.#store.setAside("place", 1000)).toEqual([]);
    expect(this.#store.find("place")).toMatchObject({
      cursor: this.#appended.length,
      trouble: undefined,
      isStopped: false,
      refusals: 0,
    });
    expect(this.#firsts().toSorted()).toEqual(this.#appended.map(({ id }) => id).toSorted());
    await this.#relay.close(Promise.resolve());
    this.#house.close();
  }

  #isDone(): boolean {
    const { cursor } = this.#store.find("place") ?? { cursor: 0 };
    return cursor === this.#appended.length && this.#store.countSetAside("place") === 0;
  }

  /** The order in which the place got them, where nothing was set aside. */
  inOrder(): boolean {
    const order = this.#appended.map(({ id }) => id);
    const firsts = this.#firsts();
    return firsts.every((id, index) => order[index] === id);
  }
}
