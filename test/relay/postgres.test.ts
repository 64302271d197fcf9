// The relay to Postgres, with a real server.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PostgresRelay } from "../../src/config/relaySettings.js";
import { noPgBouncer, PgBouncer } from "../helpers/pgBouncer.js";
import { noPostgres, PostgresServer } from "../helpers/postgresServer.js";
import { RelayHouse } from "../helpers/relayHouse.js";
import { unless } from "../helpers/unless.js";

unless(
  describe,
  noPostgres !== undefined,
  noPostgres ?? "",
)("with a real Postgres", () => {
  let postgres: PostgresServer;
  let houses: RelayHouse[] = [];
  beforeAll(async () => {
    postgres = await PostgresServer.start();
  });
  afterAll(() => postgres?.remove());
  afterEach(async () => {
    for (const house of houses) await house.close();
    houses = [];
  });

  let tables = 0;
  const settings = (more: Partial<PostgresRelay> = {}): PostgresRelay => ({
    type: "postgres",
    url: postgres.url,
    secrets: [],
    table: `t${++tables}`,
    channel: "done",
    ...more,
  });
  const open = (machineId?: string) => {
    const house = new RelayHouse(machineId);
    houses.push(house);
    return house;
  };
  /** Resolves once a statement about a table waits for a lock. */
  const untilSomebodyWaits = async (
    client: Awaited<ReturnType<typeof postgres.client>>,
    table: string,
  ) => {
    const sql = "SELECT 1 FROM pg_locks WHERE relation = $1::regclass AND NOT granted";
    while ((await client.query(sql, [table])).rowCount === 0);
  };
  const rows = (table: string) => postgres.query(`SELECT * FROM ${table} ORDER BY position`);

  it("makes the table, stores each completion once, in order, and tells whoever listens", async () => {
    const house = open();
    const relay = settings();
    const listener = await postgres.client();
    await listener.query("LISTEN done");
    const told: unknown[] = [];
    listener.on("notification", ({ payload }) => told.push(payload));
    const ids = house.append(250);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 250);
    const found = await rows(relay.table);
    expect(found.map(({ completionId }) => completionId)).toEqual(ids);
    expect(found[0]).toMatchObject({
      machineId: "machine",
      epoch: "epoch",
      sequence: "1",
      runId: "machine-1",
      status: "succeeded",
      event: { specversion: "1.0", id: ids[0], data: { runId: "machine-1" } },
    });
    await listener.end();
    expect(told).toEqual(["machine", "machine", "machine"]);
  });

  it("stores nothing twice, also where it was not noted that it was stored", async () => {
    const house = open();
    const relay = settings();
    house.append(20);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 20);
    await house.end();
    house.house.database.prepare("UPDATE relays SET cursor = 3").run();
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 20);
    expect(await rows(relay.table)).toHaveLength(20);
  });

  it("takes a text with a NUL and with half a character as it is", async () => {
    const house = open();
    const relay = settings();
    house.append(1, "a\0b\ud800c\u2028");
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 1);
    const [row] = await rows(relay.table);
    expect(row.event.data.text).toBe("a\0b\ud800c\u2028");
  });

  it("goes on after the server was away, and after the table was taken away", async () => {
    const house = open();
    const relay = settings();
    house.append(5);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 5);
    await postgres.stop();
    house.append(5);
    await house.until(({ trouble }) => trouble !== undefined);
    await postgres.begin();
    await house.until(({ cursor }) => cursor === 10);
    expect(await rows(relay.table)).toHaveLength(10);
    await postgres.query(`DROP TABLE ${relay.table}`);
    house.append(2);
    await house.until(({ cursor }) => cursor === 12);
    expect(await rows(relay.table)).toHaveLength(2);
  });

  it("counts a value that the table refuses as refused, and stores the others of the round before it", async () => {
    const house = open();
    const relay = settings();
    await house.begin(relay);
    await postgres.query(
      `CREATE TABLE ${relay.table} ("completionId" text PRIMARY KEY, position bigserial, "machineId" text,
       epoch text, sequence bigint, "workspaceId" text, "sessionId" text,
       "runId" text CHECK ("runId" <> 'machine-3'), status varchar(9), "completedAt" timestamptz, event jsonb)`,
    );
    house.append(5);
    await house.until(({ refusals }) => refusals > 0);
    expect(house.row).toMatchObject({ cursor: 2, refusals: 1 });
    expect(house.row.trouble).toMatch(/^23514 /);
    expect((await rows(relay.table)).map(({ runId }) => runId)).toEqual(["machine-1", "machine-2"]);
  });

  it("waits for a lock that somebody holds, and keeps no run waiting", async () => {
    const house = open();
    const relay = settings();
    house.append(1);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 1);
    const holder = await postgres.client();
    await holder.query(`BEGIN; LOCK TABLE ${relay.table} IN ACCESS EXCLUSIVE MODE`);
    const before = Date.now();
    house.append(100);
    expect(Date.now() - before).toBeLessThan(10_000);
    await untilSomebodyWaits(holder, relay.table);
    expect(house.row.cursor).toBe(1);
    await holder.query("COMMIT");
    await holder.end();
    await house.until(({ cursor }) => cursor === 101);
  });

  it("ends at once although somebody holds a lock, and stores nothing twice or too late", async () => {
    const house = open();
    const relay = settings();
    house.append(1);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 1);
    const holder = await postgres.client();
    await holder.query(`BEGIN; LOCK TABLE ${relay.table} IN ACCESS EXCLUSIVE MODE`);
    house.append(20);
    await untilSomebodyWaits(holder, relay.table);
    const before = performance.now();
    await house.end();
    // The server would give up after 20 seconds.
    expect(performance.now() - before).toBeLessThan(15_000);
    await house.begin(relay);
    house.append(20);
    await holder.query("COMMIT");
    await holder.end();
    await house.until(({ cursor }) => cursor === 41);
    expect((await rows(relay.table)).map(({ sequence }) => Number(sequence))).toEqual(
      Array.from({ length: 41 }, (_, index) => index + 1),
    );
  });

  it("ends at once although the server does not even answer to a new connection", async () => {
    const house = open();
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    try {
      house.append(1);
      const asked = once(silent, "connection");
      await house.begin(settings({ url: `postgres://ada@127.0.0.1:${port}/postgres` }));
      const [socket] = await asked;
      const gone = once(socket.resume(), "close");
      const before = performance.now();
      await house.end();
      expect(performance.now() - before).toBeLessThan(15_000);
      await gone;
    } finally {
      silent.close();
    }
  });

  unless(
    it,
    noPgBouncer !== undefined,
    noPgBouncer ?? "",
  )(
    "stores everything through a pgbouncer that gives each transaction any connection",
    async () => {
      const pool = await PgBouncer.start(postgres.port);
      try {
        const relay = settings({ url: pool.url });
        // Both have the one connection to the server in turn.
        for (const machine of ["first", "second"]) {
          const house = open(machine);
          house.append(120);
          await house.begin(relay);
          await house.until(({ cursor, trouble }) => cursor === 120 || trouble !== undefined);
          expect(house.row.trouble).toBeUndefined();
        }
        expect(await rows(relay.table)).toHaveLength(240);
      } finally {
        await pool.remove();
      }
    },
  );

  it("waits where it is not let in, and tells no secret", async () => {
    const house = open();
    house.append(1);
    const url = `postgres://nobody:hunter2hunter2@127.0.0.1:${postgres.port}/postgres`;
    await house.begin(settings({ url, secrets: ["hunter2hunter2"] }));
    await house.until(({ trouble }) => trouble !== undefined);
    expect(house.row.trouble).toContain('role "nobody" does not exist');
    expect(JSON.stringify([house.row, house.log.fields])).not.toContain("hunter2");
  });
});
