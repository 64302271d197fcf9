// Random runs, rewinds, rewinds of rewinds and changes by hand, held against what was seen before each.
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { Checkpoints } from "../../src/checkpoints/checkpoints.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { Database } from "../../src/storage/database.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

const names = ["a", "b", "odd\nname", "ünï", ".hidden"];
const step = fc.oneof(
  fc.record({
    kind: fc.constant("run" as const),
    writes: fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 5 })), {
      maxLength: 4,
    }),
  }),
  fc.record({ kind: fc.constant("rewind" as const), to: fc.nat(), history: fc.boolean() }),
  fc.record({ kind: fc.constant("byHand" as const), name: fc.constantFrom(...names) }),
);

class World {
  readonly folder = temporaryFolder();
  readonly workspace = join(realpathSync(this.folder.path), "w");
  readonly database = Database.open(join(this.folder.path, "turnwire.db"));
  readonly store = new CheckpointStore(this.database);
  readonly messages = new MessageStore(this.database);
  readonly checkpoints = new Checkpoints({
    database: this.database,
    store: this.store,
    runs: new RunStore(this.database),
    registry: { id: "srv", isAlive: () => true },
    dataDirectory: this.folder.path,
    mostKeptBytes: () => 1e9,
    clock: systemClock,
    ids: randomIds,
    log: silentLog,
  });
  #runs = 0;
  #byHand = 0;

  constructor() {
    mkdirSync(this.workspace);
    const session = { workspaceId: "ws", parentSessionId: undefined, title: "t", createdAt: 1 };
    new SessionStore(this.database).insert({ id: "s", ...session });
  }

  get files(): Record<string, string> {
    const found = readdirSync(this.workspace).sort();
    return Object.fromEntries(
      found.map((name) => [name, readFileSync(join(this.workspace, name), "utf8")]),
    );
  }

  get history(): string[] {
    return this.messages.list("s", -1).rows.map(({ id }) => id);
  }

  async run(writes: readonly (readonly [string, string])[]): Promise<void> {
    const run = ++this.#runs;
    this.store.begin({ id: `c${run}`, sessionId: "s", run, createdAt: 1 });
    this.#say(run);
    const store = async (write: () => void) => write();
    const keeper = this.checkpoints.keeperOf({ sessionId: "s", position: run, store });
    for (const [name, content] of writes) {
      const path = join(this.workspace, name);
      const held = this.files[name];
      const before = held === undefined ? undefined : { data: Buffer.from(held), mode: 0o644 };
      const after = Buffer.from(content, "utf8");
      await keeper?.keep({ path, before, after });
      writeFileSync(path, after);
    }
  }

  #say(run: number): void {
    const message = { role: "user", parts: "[]", model: undefined, provider: undefined };
    this.messages.insert({
      ...message,
      id: `m${run}`,
      sessionId: "s",
      run,
      isSummary: false,
      createdAt: 1,
    });
  }

  /** Somebody writes something that nothing else writes. */
  changeByHand(name: string): string {
    const content = `by hand ${++this.#byHand}`;
    writeFileSync(join(this.workspace, name), content);
    return content;
  }

  close(): void {
    this.database.close();
    rmSync(this.folder.path, { recursive: true, force: true });
  }
}

async function check(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]) {
  const world = new World();
  /** How things stood before each checkpoint, oldest first. */
  const seen: { files: Record<string, string>; history: string[] }[] = [];
  let isTouched = false;
  const look = () => ({ files: world.files, history: world.history });
  try {
    for (const one of steps) {
      if (one.kind === "run") {
        seen.push(look());
        await world.run(one.writes);
      } else if (one.kind === "byHand") {
        world.changeByHand(one.name);
        isTouched = true;
      } else if (seen.length > 0) {
        const at = one.to % seen.length;
        const rows = world.store.list("s", seen.length).reverse();
        const before = look();
        const checkpoint = rows[at];
        if (checkpoint === undefined) throw new Error("a checkpoint is missing");
        const flags = { files: true, history: one.history, force: false, dryRun: false };
        const done = await world.checkpoints.rewind({ workspaceId: "ws", checkpoint, ...flags });
        if (done.checkpointId !== undefined) seen.push(before);
        const then = seen[at];
        expect(world.history).toEqual(one.history ? then?.history : before.history);
        if (!isTouched) expect(world.files).toEqual(then?.files);
        for (const [name, content] of Object.entries(before.files)) {
          // What a hand has written goes only where the rewind says so: a run had read and kept it.
          const isByHand = content.startsWith("by hand");
          const isKept = world.files[name] === content;
          if (isByHand && !isKept)
            expect(done.files.map(({ path }) => path)).toContain(join(world.workspace, name));
        }
      }
    }
  } finally {
    await world.checkpoints.close();
    world.close();
  }
}

it("brings back what was there before each checkpoint, in every history", {
  timeout: 120_000,
}, async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), check), {
    numRuns: 60,
  });
});

it("takes 1,000 files of one run back", { timeout: 60_000 }, async () => {
  const world = new World();
  try {
    const files = Array.from({ length: 1000 }, (_, n) => `file ${n}`);
    for (const name of files.slice(0, 500)) writeFileSync(join(world.workspace, name), "before");
    const before = world.files;
    world.store.begin({ id: "c", sessionId: "s", run: 1, createdAt: 1 });
    const store = async (write: () => void) => write();
    const keeper = world.checkpoints.keeperOf({ sessionId: "s", position: 1, store });
    for (const [n, name] of files.entries()) {
      const path = join(world.workspace, name);
      const held = n < 500 ? { data: Buffer.from("before"), mode: 0o644 } : undefined;
      await keeper?.keep({ path, before: held, after: Buffer.from("after") });
      writeFileSync(path, "after");
    }
    const checkpoint = world.store.find("s", "c");
    if (checkpoint === undefined) throw new Error("no checkpoint");
    const flags = { files: true, history: true, force: false, dryRun: false };
    const done = await world.checkpoints.rewind({ workspaceId: "ws", checkpoint, ...flags });
    expect(done.files).toHaveLength(1000);
    expect(done.conflicts).toEqual([]);
    expect(world.files).toEqual(before);
  } finally {
    await world.checkpoints.close();
    world.close();
  }
});
