// What protocol.md section 5 promises of the outbox, step by step beside the real one on a real file.
import fc from "fast-check";
import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { Acknowledged } from "../../src/events/acknowledgements.js";
import { Delivery } from "../../src/events/delivery.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { keepAcknowledgedMs, Pruner } from "../../src/storage/pruner.js";
import { OutboxHouse } from "../helpers/outboxHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

const clients = ["ada", "ben"];
const client = fc.constantFrom(...clients);
const pick = fc.nat({ max: 30 });

export const stepArbitrary = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant("append"), client }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("connect"),
      client,
      ackTimeoutMs: fc.constantFrom(undefined, undefined, 400, 1000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("disconnect"), pick }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("acknowledge"), client, pick }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("settle") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("wait"),
      ms: fc.constantFrom(100, 450, 1100, 5000, 60_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("week") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("crash") }) },
);
export type OutboxStep = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

interface Completion {
  readonly runId: string;
  readonly client: string;
  readonly id: string;
  acknowledgedAt: number | undefined;
}

/** How the outbox is used; the promises are the same in each form. */
export interface OutboxForm {
  /** Acknowledgements share commits, as where many sessions are busy. */
  readonly sharesCommits: boolean;
  /** Connections take several messages in one piece. */
  readonly joins: boolean;
}

interface Connection {
  readonly client: string;
  readonly ackTimeoutMs: number | undefined;
  readonly delivery: Delivery;
  /** What it got, and when. */
  readonly got: { readonly completion: RunComplete; readonly at: number }[];
}

export class OutboxHistory {
  readonly #directory: string;
  readonly #completions: Completion[] = [];
  readonly #attempts = new Map<string, number>();
  #connections: Connection[] = [];
  #house: OutboxHouse;
  #pruner: Pruner;
  #stopListening: (() => void)[] = [];
  /** What acknowledgements were told, and what they should have been. */
  readonly #told: [Acknowledged, Acknowledged][] = [];

  readonly #form: OutboxForm;
  /** Of these nobody has been told yet that they are written. */
  readonly #taken = new Set<Completion>();

  constructor(directory: string, form: OutboxForm) {
    this.#directory = directory;
    this.#form = form;
    this.#house = new OutboxHouse(directory, undefined, form.sharesCommits);
    this.#pruner = this.#startPruner();
  }

  #startPruner(): Pruner {
    return new Pruner(this.#house, this.#house.clock, recordingLog().log);
  }

  take(step: OutboxStep): Promise<void> | undefined {
    switch (step.type) {
      case "append":
        return this.#append(step.client);
      case "connect":
        return this.#connect(step.client, step.ackTimeoutMs);
      case "disconnect":
        return this.#disconnect(this.#connections[step.pick % this.#connections.length]);
      case "acknowledge":
        return this.#acknowledge(step.client, step.pick);
      case "wait":
        return this.#wait(step.ms);
      case "week":
        return this.#week();
      case "crash":
        return this.#crash();
      default:
        return this.#settle();
    }
  }

  #append(client: string): undefined {
    const runId = `r${this.#completions.length}`;
    const id = this.#house.append(runId, client);
    this.#completions.push({ runId, client, id, acknowledgedAt: undefined });
  }

  #connect(client: string, ackTimeoutMs: number | undefined): undefined {
    const { outbox, clock, ids } = this.#house;
    const got: Connection["got"] = [];
    const sender = {
      send: async (message: { method: string; params: object }) => {
        const completion = message.params as RunComplete;
        this.#isDelivered(client, completion);
        got.push({ completion, at: clock.now() });
      },
      ...defined({ together: this.#form.joins ? (send: () => void) => send() : undefined }),
    };
    const { log } = recordingLog();
    const delivery = new Delivery({ outbox, sender, clock, log, clientId: ids.next("cli") });
    this.#stopListening.push(outbox.onAppended((appended) => delivery.announce(appended)));
    const { pending } = delivery.identify({
      clientId: client,
      ackTimeoutMs,
      optOutNotifications: [],
    });
    expect(pending).toBe(this.#pending(client).length);
    delivery.release();
    this.#connections.push({ client, ackTimeoutMs, delivery, got });
  }

  #pending(client: string): Completion[] {
    return this.#completions.filter(
      (one) => one.client === client && one.acknowledgedAt === undefined,
    );
  }

  /** Every delivery is somebody's own, not acknowledged, and counted by one. */
  #isDelivered(client: string, { completionId, attempt }: RunComplete): void {
    const known = this.#pending(client).find(({ id }) => id === completionId);
    expect(known, `${completionId} for ${client}`).toBeDefined();
    const before = this.#attempts.get(completionId) ?? 0;
    expect(attempt).toBe(before + 1);
    this.#attempts.set(completionId, attempt);
  }

  #disconnect(connection: Connection | undefined): undefined {
    connection?.delivery.close();
    this.#connections = this.#connections.filter((other) => other !== connection);
  }

  #acknowledge(client: string, pick: number): undefined {
    const known = this.#completions[this.#completions.length - 1 - pick];
    const id = known?.id ?? "never";
    const isKept = known !== undefined && this.#house.of(known.runId) !== undefined;
    const isOwn = isKept && known.client === client;
    const told = this.#house.outbox.acknowledge(client, [id], this.#house.clock.now());
    void told.then((result) => {
      this.#told.push([result, { acknowledged: isOwn ? [id] : [], unknown: isOwn ? [] : [id] }]);
      if (known !== undefined) this.#taken.delete(known);
    });
    if (!isOwn) return;
    if (known.acknowledgedAt === undefined) this.#taken.add(known);
    known.acknowledgedAt ??= this.#house.clock.now();
  }

  async #wait(ms: number): Promise<void> {
    await this.#house.clock.advance(ms);
    return this.#settle();
  }

  async #week(): Promise<void> {
    // Two thousand redeliveries would show nothing that the first ten do not.
    for (const one of this.#connections.filter(({ ackTimeoutMs }) => ackTimeoutMs)) {
      this.#disconnect(one);
    }
    await this.#wait(keepAcknowledgedMs + 4 * 60 * 60_000);
  }

  #crash(): undefined {
    const { clock, ids } = this.#house;
    clock.stop();
    for (const one of [...this.#connections]) this.#disconnect(one);
    for (const stop of this.#stopListening.splice(0)) stop();
    this.#pruner.close();
    this.#house.close();
    const from = { clock: new VirtualScheduler(clock.now()), ids };
    this.#house = new OutboxHouse(this.#directory, from, this.#form.sharesCommits);
    this.#pruner = this.#startPruner();
    this.#forget();
  }

  /** A crash may lose what nobody was told of. */
  #forget(): void {
    for (const one of this.#taken) {
      const { completions } = this.#house.outbox.listPending(one.client);
      if (completions.some(({ completionId }) => completionId === one.id)) {
        one.acknowledgedAt = undefined;
      }
    }
    this.#taken.clear();
  }

  async #settle(): Promise<void> {
    await this.#house.clock.settle();
    for (const [told, expected] of this.#told.splice(0)) expect(told).toEqual(expected);
    expect([...this.#taken]).toEqual([]);
    for (const connection of this.#connections) this.#check(connection);
    const now = this.#house.clock.now();
    for (const { runId, client, id, acknowledgedAt } of this.#completions) {
      const kept = this.#house.of(runId);
      if (acknowledgedAt === undefined || acknowledgedAt >= now - keepAcknowledgedMs) {
        expect(kept, `${runId} of ${client}`).toMatchObject({
          completionId: id,
          text: runId,
          attempt: this.#attempts.get(id) ?? 0,
        });
      }
      // The pruner deletes what was over at its last look but one, and looks every hour.
      const isOld = (acknowledgedAt ?? now) < now - keepAcknowledgedMs - 3 * 60 * 60_000;
      if (isOld) expect(kept, `${runId} is pruned`).toBeUndefined();
    }
    for (const one of clients) {
      const listed = this.#house.outbox
        .listPending(one)
        .completions.map(({ completionId }) => completionId);
      expect(listed).toEqual(this.#pending(one).map(({ id }) => id));
    }
  }

  #check({ client, ackTimeoutMs, got }: Connection): void {
    const first = new Map<string, number>();
    for (const { completion, at } of got) {
      if (!first.has(completion.completionId)) first.set(completion.completionId, at);
    }
    const order = [...first.keys()].map((id) =>
      this.#completions.findIndex((one) => one.id === id),
    );
    expect(order, "in order").toEqual(order.toSorted((a, b) => a - b));
    for (const { id } of this.#pending(client)) {
      const times = got.filter(({ completion }) => completion.completionId === id);
      const elapsed = this.#house.clock.now() - (first.get(id) ?? Number.NaN);
      expect(times.length, `${id} on a connection of ${client}`).toBeGreaterThanOrEqual(
        deliveriesAfter(elapsed, (ackTimeoutMs ?? Infinity) * 1.13),
      );
      expect(times.length).toBeLessThanOrEqual(deliveriesAfter(elapsed, ackTimeoutMs ?? Infinity));
    }
  }

  end(): void {
    this.#pruner.close();
    this.#house.close();
  }
}

/** How often something is sent in so long, each time after twice as long as before. */
function deliveriesAfter(elapsed: number, firstWait: number): number {
  let count = 1;
  for (let wait = firstWait, at = firstWait; at <= elapsed; count++) {
    wait = Math.min(wait * 2, 5 * 60_000 * (wait > 300_000 ? 1.13 : 1));
    at += wait;
  }
  return count;
}
