// What protocol.md section 5 promises of completions where several servers share a data directory,
// step by step beside real outboxes on a real file.
import fc from "fast-check";
import { expect } from "vitest";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { type HouseConnection, ServerHouse } from "../helpers/serverHouse.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";

const client = fc.constantFrom("ada", "ben");
const session = fc.constantFrom("s", "t");
const pick = fc.nat({ max: 20 });

export const serversStep = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant("append"), client, session, pick }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("connect"), client, pick }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("leave"), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("disconnect"), pick }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("acknowledge"), pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("start") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("kill"), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("close"), pick }) },
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("wait"), ms: fc.constantFrom(0, 900, 2100, 33_000) }),
  },
);
export type ServersStep = typeof serversStep extends fc.Arbitrary<infer T> ? T : never;

/** A look and a bit: so long may pass until a completion that is due has come. */
const lookMs = 2000;
const patientMs = 32_000;

interface Written {
  readonly runId: string;
  readonly client: string;
  readonly server: ServerHouse;
  readonly at: number;
  id: string;
  isAcknowledged: boolean;
}

export class ServersHistory {
  readonly #directory: string;
  readonly #clock = new VirtualScheduler();
  readonly #ids = new CountingIds();
  #servers: ServerHouse[] = [];
  #connections: (HouseConnection & { hasLeft: boolean; since: number })[] = [];
  readonly #written: Written[] = [];
  readonly #attempts = new Map<string, number>();
  /** When a server last had a connection of a client that had not left; absent: never. */
  #quietSince = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#start();
    this.#start();
  }

  #start(): void {
    if (this.#servers.length >= 3) return;
    this.#servers.push(new ServerHouse(this.#directory, this.#clock, this.#ids));
  }

  async take(step: ServersStep): Promise<void> {
    const server = "pick" in step ? this.#servers[step.pick % this.#servers.length] : undefined;
    const connection =
      "pick" in step ? this.#connections[step.pick % this.#connections.length] : undefined;
    if (step.type !== "wait" && step.type !== "acknowledge") this.#quietSince = this.#clock.now();
    switch (step.type) {
      case "append":
        return this.#append(server, step.client, step.session);
      case "connect":
        return this.#connect(server, step.client);
      case "leave":
        if (connection === undefined) return;
        connection.server.broadcaster.leave(connection.delivery);
        connection.hasLeft = true;
        return;
      case "disconnect":
        if (connection === undefined) return;
        connection.server.broadcaster.disconnect(connection.delivery);
        this.#connections = this.#connections.filter((one) => one !== connection);
        return;
      case "acknowledge":
        return this.#acknowledge(step.pick);
      case "start":
        return this.#start();
      case "kill":
      case "close":
        return this.#end(server, step.type);
      default:
        return this.#wait("ms" in step ? step.ms : 0);
    }
  }

  #append(server: ServerHouse | undefined, client: string, session: string): void {
    if (server === undefined) return;
    const runId = `r${this.#written.length}`;
    const at = this.#clock.now();
    const position = server.append(runId, client, session);
    const id = server.outbox.ofRun(position)?.completionId ?? "";
    this.#written.push({ runId, client, server, at, id, isAcknowledged: false });
  }

  #connect(server: ServerHouse | undefined, client: string): void {
    if (server === undefined) return;
    const connection = server.connect(client, (completion) => this.#hear(client, completion));
    this.#connections.push({ ...connection, hasLeft: false, since: this.#clock.now() });
  }

  /** Every delivery is somebody's own, not acknowledged, and counted by one over all servers. */
  #hear(client: string, { completionId, attempt }: RunComplete): void {
    const known = this.#written.find(({ id }) => id === completionId);
    expect(known, completionId).toMatchObject({ client, isAcknowledged: false });
    expect(attempt).toBe((this.#attempts.get(completionId) ?? 0) + 1);
    this.#attempts.set(completionId, attempt);
  }

  #acknowledge(pick: number): void {
    const known = this.#written[this.#written.length - 1 - pick];
    const [server] = this.#servers;
    if (known === undefined || server === undefined) return;
    server.outbox.acknowledge(known.client, [known.id], this.#clock.now());
    known.isAcknowledged = true;
  }

  #end(server: ServerHouse | undefined, how: "kill" | "close"): void {
    if (server === undefined || this.#servers.length < 2) return;
    server[how]();
    this.#servers = this.#servers.filter((one) => one !== server);
    this.#connections = this.#connections.filter((one) => one.server !== server);
  }

  async #wait(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    await this.#clock.settle();
    for (const connection of this.#connections) this.#checkOrder(connection);
    const quietMs = this.#clock.now() - this.#quietSince;
    for (const connection of this.#connections) this.#checkComplete(connection, quietMs);
  }

  /** Each comes once, and of one session in order. */
  #checkOrder({ got }: HouseConnection): void {
    expect(new Set(got.map(({ completionId }) => completionId)).size).toBe(got.length);
    for (const session of ["s", "t"]) {
      const sequences = got.filter(({ sessionId }) => sessionId === session);
      const order = sequences.map(({ sequence }) => sequence);
      expect(order, `of session ${session}`).toEqual(order.toSorted((a, b) => a - b));
    }
  }

  /** What is due has come: to whoever waits here, whoever wrote it. */
  #checkComplete(connection: HouseConnection & { hasLeft: boolean }, quietMs: number): void {
    const { client, got } = { client: connection.clientId, got: connection.got };
    if (connection.hasLeft) return;
    const has = new Set(got.map(({ completionId }) => completionId));
    for (const { runId, server, id } of this.#pendingOf(client)) {
      const isGone = !this.#servers.includes(server);
      const hasConnection = this.#connections.some(
        (one) => one.server === server && one.clientId === client && !one.hasLeft,
      );
      const isDue =
        server === connection.server ||
        ((isGone || !hasConnection) && quietMs >= lookMs) ||
        quietMs >= patientMs;
      if (isDue) expect(has.has(id), `${runId} of ${client}, quiet for ${quietMs}`).toBe(true);
    }
  }

  #pendingOf(client: string): Written[] {
    return this.#written.filter((one) => one.client === client && !one.isAcknowledged);
  }

  end(): void {
    for (const server of this.#servers) server.close();
  }
}
