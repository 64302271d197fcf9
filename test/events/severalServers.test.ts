// A completion finds its client wherever it is (protocol.md section 5). Random histories first:
// `TURNWIRE_SEED` and `TURNWIRE_PATH` play one again, `TURNWIRE_HISTORIES` says how many.

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { schema } from "../../src/storage/migrations.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { type HouseConnection, ServerHouse } from "../helpers/serverHouse.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";
import { ServersHistory, serversStep } from "./severalServersModel.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;
const numRuns = Number(TURNWIRE_HISTORIES ?? 60);

describe("several servers", () => {
  it("keep their promises together in every history", {
    timeout: Math.max(120_000, numRuns * 1000),
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(serversStep, { minLength: 8, maxLength: 50, size: "max" }),
        async (steps) => {
          const folder = temporaryFolder();
          const history = new ServersHistory(folder.path);
          try {
            for (const step of steps) await history.take(step);
            await history.take({ type: "wait", ms: 33_000 });
          } finally {
            history.end();
            folder.remove();
          }
        },
      ),
      {
        numRuns,
        ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
        ...defined({ path: TURNWIRE_PATH }),
      },
    );
  });
});

describe("a completion", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let clock: VirtualScheduler;
  let ids: CountingIds;
  let open: ServerHouse[];
  beforeEach(() => {
    folder = temporaryFolder();
    clock = new VirtualScheduler();
    ids = new CountingIds();
    open = [];
  });
  afterEach(() => {
    for (const server of open) server.close();
    folder.remove();
  });

  const start = (of?: typeof schema) => {
    const server = new ServerHouse(folder.path, clock, ids, of);
    open.push(server);
    return server;
  };
  const kill = (server: ServerHouse) => {
    server.kill();
    open = open.filter((one) => one !== server);
  };
  const came = ({ got }: HouseConnection) =>
    got.map(({ runId, attempt }) => `${runId} (${attempt})`);

  it("of a server that its client has left goes to where the client is now", async () => {
    const [old, now] = [start(), start()];
    const left = old.connect("ada");
    const back = now.connect("ada");
    const other = now.connect("ben");
    old.append("before", "ada");
    await clock.advance(2000);
    expect(came(back)).toEqual([]);
    old.broadcaster.leave(left.delivery);
    old.append("a", "ada");
    await clock.advance(2000);
    expect(came(back)).toEqual(["before (2)", "a (2)"]);
    // Whoever still reads the old pipe gets it there too.
    expect(came(left)).toEqual(["before (1)", "a (1)"]);
    expect(came(other)).toEqual([]);
  });

  it("of a server whose client is there goes elsewhere after 30 seconds without acknowledgement", async () => {
    const [one, two] = [start(), start()];
    const [here, there] = [one.connect("ada"), two.connect("ada")];
    one.append("a", "ada");
    await clock.advance(29_000);
    expect([came(here), came(there)]).toEqual([["a (1)"], []]);
    await clock.advance(3_000);
    expect(came(there)).toEqual(["a (2)"]);
    await clock.advance(120_000);
    expect([came(here), came(there)]).toEqual([["a (1)"], ["a (2)"]]);
  });

  it("that is acknowledged in time goes nowhere else", async () => {
    const [one, two] = [start(), start()];
    const there = two.connect("ada");
    const { got } = one.connect("ada");
    one.append("a", "ada");
    await clock.advance(10_000);
    one.outbox.acknowledge("ada", [got[0]?.completionId ?? ""], clock.now());
    await clock.advance(60_000);
    expect(came(there)).toEqual([]);
  });

  it("of a server that was killed is written and sent by one that lives, within seconds", async () => {
    const [dying, living] = [start(), start()];
    const there = living.connect("ada");
    dying.append("ended", "ada");
    dying.append("open", "ada", "t", false);
    kill(dying);
    await clock.advance(7000);
    expect(came(there).sort()).toEqual(["ended (1)", "open (1)"]);
    expect(there.got.find(({ runId }) => runId === "open")).toMatchObject({
      status: "interrupted",
      cause: "crash",
      neverRan: true,
    });
  });

  it("comes before a newer one of its session, though it was not due yet", async () => {
    const [one, two] = [start(), start()];
    one.connect("ada");
    const there = two.connect("ada");
    one.append("first", "ada", "s");
    one.append("elsewhere", "ada", "t");
    await clock.advance(1500);
    two.append("second", "ada", "s");
    await clock.advance(0);
    expect(came(there)).toEqual(["first (2)", "second (1)"]);
  });

  it("comes before a newer one of its session that is due, whichever servers wrote them", async () => {
    const [one, two, three] = [start(), start(), start()];
    one.connect("ada");
    const there = two.connect("ada");
    one.append("first", "ada", "s");
    three.append("second", "ada", "s");
    await clock.advance(2000);
    expect(there.got.map(({ runId }) => runId)).toEqual(["first", "second"]);
  });

  it("is sent again on each connection as its client asked", async () => {
    const [one, two] = [start(), start()];
    const there = two.connect("ada", () => {}, 1000);
    one.append("a", "ada");
    await clock.advance(1500);
    expect(there.got).toHaveLength(1);
    await clock.advance(3200);
    expect(came(there)).toEqual(["a (1)", "a (2)", "a (3)"]);
    one.outbox.acknowledge("ada", [there.got[0]?.completionId ?? ""], clock.now());
    await clock.advance(60_000);
    expect(there.got).toHaveLength(3);
  });

  it("of a server of an older version waits for 30 seconds: that one does not say whom it serves", async () => {
    const older = { ...schema, steps: schema.steps.slice(0, 4) };
    const one = start(older);
    one.append("in the backlog", "ada");
    const two = start(older);
    const there = two.connect("ada");
    one.append("a", "ada");
    await clock.advance(28_000);
    expect(came(there)).toEqual(["in the backlog (1)"]);
    await clock.advance(4_000);
    expect(came(there)).toEqual(["in the backlog (1)", "a (1)"]);
  });

  it("of a run that is still open here is held until it has stopped", async () => {
    const [one, two] = [start(), start()];
    const here = two.connect("ada");
    const position = one.append("a", "ada");
    two.openRuns.add(position);
    await clock.advance(40_000);
    expect(came(here)).toEqual([]);
    two.openRuns.clear();
    two.outbox.announceStanding(position);
    await clock.advance(0);
    expect(came(here)).toEqual(["a (1)"]);
    await clock.advance(60_000);
    expect(came(here)).toEqual(["a (1)"]);
  });
});

describe("the look at other servers", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const clock = new VirtualScheduler();
  const ids = new CountingIds();
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it("is one number where a server is alone, and nothing where nobody is connected", async () => {
    const alone = new ServerHouse(folder.path, clock, ids);
    expect(clock.pending).toBe(0);
    const { delivery } = alone.connect("ada");
    await clock.advance(1500);
    const statements: string[] = [];
    const { prepare } = alone.database;
    alone.database.prepare = (sql) => {
      statements.push(sql);
      return prepare.call(alone.database, sql);
    };
    await clock.advance(60_000);
    expect(new Set(statements)).toEqual(new Set(["PRAGMA data_version"]));
    expect(statements.length).toBeLessThanOrEqual(60);
    expect(alone.recoveries).toBe(0);
    alone.broadcaster.disconnect(delivery);
    expect(clock.pending).toBe(0);
    alone.close();
  });

  it("goes on after a disk that failed", async () => {
    const [one, two] = [
      new ServerHouse(folder.path, clock, ids),
      new ServerHouse(folder.path, clock, ids),
    ];
    two.database.prepare("PRAGMA query_only = 1").run();
    const there = two.connect("ada");
    one.append("a", "ada");
    await clock.advance(3000);
    expect(there.got).toEqual([]);
    expect(two.log.messages).toContain("a connection could not be made known yet");
    two.database.prepare("PRAGMA query_only = 0").run();
    await clock.advance(3000);
    expect(there.got).toHaveLength(1);
    expect(one.connections.has(two.registry.id, "ada")).toBe(true);
    one.close();
    two.close();
  });

  it("finds out that this server was taken for dead, and makes it known again", async () => {
    const [one, two] = [
      new ServerHouse(folder.path, clock, ids),
      new ServerHouse(folder.path, clock, ids),
    ];
    one.connect("ada");
    two.database.write(() => {
      two.registry.forgetConnections(one.registry.id, clock.now());
      two.registry.remove(one.registry.id);
    });
    expect(two.registry.isAlive(one.registry.id)).toBe(false);
    await clock.advance(1000);
    expect(two.registry.isAlive(one.registry.id)).toBe(true);
    expect(two.connections.has(one.registry.id, "ada")).toBe(true);
    expect(two.registry.dead()).toEqual([]);
    one.close();
    expect(two.registry.others()).toEqual([]);
    two.close();
  });
});
