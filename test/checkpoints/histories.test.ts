// Random runs, rewinds, rewinds of rewinds and changes by hand, held against what was seen before each.
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { Checkpoints } from "../../src/checkpoints/checkpoints.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { Database } from "../../src/storage/database.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { ManualClock } from "../helpers/manualClock.js";

const names = ["a", "b", "odd\nname", "ünï", ".hidden"];
/** Which session a step is about; there are more with each fork. */
const of = fc.nat({ max: 9 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant("run" as const),
    of,
    writes: fc.array(fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 5 })), {
      maxLength: 4,
    }),
  }),
  fc.record({
    kind: fc.constant("rewind" as const),
    of,
    to: fc.nat(),
    history: fc.boolean(),
    force: fc.boolean(),
    dryRun: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("fork" as const), of, upTo: fc.nat() }),
  fc.record({ kind: fc.constant("byHand" as const), name: fc.constantFrom(...names) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly folder = temporaryFolder();
  readonly workspace = join(realpathSync(this.folder.path), "w");
  readonly database = Database.open(join(this.folder.path, "turnwire.db"));
  readonly store = new CheckpointStore(this.database);
  readonly messages = new MessageStore(this.database);
  readonly clock = new ManualClock(1);
  readonly checkpoints = new Checkpoints({
    database: this.database,
    store: this.store,
    runs: new RunStore(this.database),
    registry: { id: "srv", isAlive: () => true },
    dataDirectory: this.folder.path,
    mostKeptBytes: () => 1e9,
    clock: this.clock,
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

  history(sessionId = "s"): string[] {
    return this.messages.list(sessionId, -1).rows.map(({ id }) => id);
  }

  async run(writes: readonly (readonly [string, string])[], sessionId = "s"): Promise<void> {
    const run = ++this.#runs;
    this.store.begin({ id: `c${run}`, sessionId, run, createdAt: 1 });
    this.#say(run, sessionId);
    const store = async (write: () => void) => write();
    const keeper = this.checkpoints.keeperOf({ sessionId, position: run, store });
    for (const [name, content] of writes) {
      const path = join(this.workspace, name);
      const held = this.files[name];
      const before = held === undefined ? undefined : { data: Buffer.from(held), mode: 0o644 };
      const after = Buffer.from(content, "utf8");
      await keeper?.keep({ path, before, after });
      writeFileSync(path, after);
    }
  }

  /** Copies a session up to one of its messages; returns how many it has. */
  async fork(sessionId: string, upTo: number, newId: string): Promise<number> {
    const { rows } = this.messages.list(sessionId, -1);
    const position =
      rows[upTo % (rows.length + 1)]?.position ?? this.store.messages.last(sessionId);
    const asked = { sessionId, upTo: position, newId, messageIds: newId, title: undefined };
    const forking = this.checkpoints.forking.fork(asked, () => undefined);
    await forking;
    return rows.filter((row) => row.position <= position).length;
  }

  #say(run: number, sessionId: string): void {
    const message = { role: "user", parts: "[]", model: undefined, provider: undefined };
    this.messages.insert({
      ...message,
      id: `m${run}`,
      sessionId,
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

/** How things stood before a checkpoint, and which files were changed after it. */
interface Seen {
  readonly files: Readonly<Record<string, string>>;
  readonly history: readonly string[];
  readonly changed: ReadonlySet<string>;
}

/** A world, and what must be true of its sessions. */
class Model {
  readonly world = new World();
  readonly sessions: { readonly id: string; readonly seen: Seen[] }[] = [{ id: "s", seen: [] }];
  #isTouched = false;

  async take(one: Step): Promise<void> {
    const { world, sessions } = this;
    if (one.kind === "byHand") {
      world.changeByHand(one.name);
      this.#isTouched = true;
      return;
    }
    const session = sessions[one.of % sessions.length];
    if (session === undefined) return;
    const others = sessions.filter((other) => other !== session);
    const before = others.map(({ id }) => world.history(id));
    await this.#takeIn(session, one);
    // Whatever one session does, the history of the others stays.
    expect(others.map(({ id }) => world.history(id))).toEqual(before);
  }

  async #takeIn(session: Model["sessions"][number], one: Exclude<Step, { kind: "byHand" }>) {
    const { world, sessions } = this;
    const { id, seen } = session;
    switch (one.kind) {
      case "run": {
        const changed = new Set(one.writes.map(([name]) => name));
        seen.push({ files: world.files, history: world.history(id), changed });
        return world.run(one.writes, id);
      }
      case "fork": {
        const own = world.history(id);
        const files = world.files;
        const newId = `f${sessions.length}`;
        const length = await world.fork(id, one.upTo, newId);
        sessions.push({ id: newId, seen: [] });
        expect(world.history(newId)).toHaveLength(length);
        expect([world.history(id), world.files]).toEqual([own, files]);
        expect(world.store.list(newId, 1)).toEqual([]);
        return;
      }
      case "rewind":
        if (seen.length > 0) await this.#rewind(session, one);
    }
  }

  async #rewind(
    { id, seen }: Model["sessions"][number],
    { to, history, force, dryRun }: Extract<Step, { kind: "rewind" }>,
  ): Promise<void> {
    const { world } = this;
    const at = to % seen.length;
    const checkpoint = world.store.list(id, seen.length).reverse()[at];
    if (checkpoint === undefined) throw new Error("a checkpoint is missing");
    const before = { files: world.files, history: world.history(id) };
    const asked = { workspaceId: "ws", checkpoint, files: true, history, force };
    if (dryRun) {
      const would = await world.checkpoints.rewind({ ...asked, dryRun });
      expect({ files: world.files, history: world.history(id) }).toEqual(before);
      const { checkpointId: _, ...did } = await this.#done({ ...asked, dryRun: false }, id, before);
      expect(did).toEqual(would);
    } else await this.#done({ ...asked, dryRun }, id, before);
    expect(world.history(id)).toEqual(history ? seen[at]?.history : before.history);
    const targets = new Map<string, string | undefined>();
    for (const { changed, files } of seen.slice(at)) {
      for (const name of changed) if (!targets.has(name)) targets.set(name, files[name]);
    }
    const { conflicts, files } = this.#last;
    const nameOf = ({ path }: { path: string }) => path.slice(world.workspace.length + 1);
    const left = new Set(conflicts.map(nameOf));
    if (force) expect(left).toEqual(new Set());
    if (!this.#isTouched && this.sessions.length === 1) expect(left).toEqual(new Set());
    // Every file of the runs is as it was before the first of them, or stays and is a conflict.
    const expected: Record<string, string> = { ...before.files };
    for (const [name, content] of targets) {
      if (left.has(name)) continue;
      if (content === undefined) delete expected[name];
      else expected[name] = content;
    }
    expect(world.files).toEqual(expected);
    const changed = new Set(files.map(nameOf));
    expect([...changed].filter((name) => !targets.has(name))).toEqual([]);
    if (this.#last.checkpointId !== undefined) seen.push({ ...before, changed });
  }

  #last: Awaited<ReturnType<Checkpoints["rewind"]>> = {
    files: [],
    conflicts: [],
    messagesRemoved: 0,
    messagesRestored: 0,
    commandsRan: false,
  };

  async #done(
    request: Parameters<Checkpoints["rewind"]>[0],
    sessionId: string,
    before: { readonly files: object; readonly history: readonly string[] },
  ) {
    this.#last = await this.world.checkpoints.rewind(request);
    const now = { files: this.world.files, history: this.world.history(sessionId) };
    if (this.#last.checkpointId === undefined) expect(now).toEqual(before);
    return this.#last;
  }

  async close(): Promise<void> {
    await this.world.checkpoints.close();
    this.world.close();
  }
}

async function check(steps: readonly Step[]) {
  const model = new Model();
  try {
    for (const one of steps) await model.take(one);
  } finally {
    await model.close();
  }
}

it("brings back what was there before each checkpoint, in every history", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), check), {
    numRuns: 60,
  });
});

it("finishes a rewind whose data directory got full after it was planned, once there is room", async () => {
  const world = new World();
  try {
    await world.run([["a", "one"]]);
    await world.run([["b", "two"]]);
    const [, checkpoint] = world.store.list("s", 2);
    if (checkpoint === undefined) throw new Error("no checkpoint");
    const full = new DomainError("StorageFailed", "the disk is full");
    const { database, store } = world;
    let isFull = false;
    const durable = database.durable.bind(database);
    vi.spyOn(database, "durable").mockImplementation((write) => {
      if (isFull) throw full;
      // The plan is the last thing for which there is room.
      const done = durable(write);
      isFull = true;
      return done;
    });
    const flags = { files: true, history: true, force: false, dryRun: false };
    const rewinding = world.checkpoints.rewind({ workspaceId: "ws", checkpoint, ...flags });
    await expect(rewinding).rejects.toBe(full);
    await expect.poll(() => world.clock.pending).toBeGreaterThan(0);
    // It is noted, so nothing else can be done in the session, and nothing is done twice.
    expect(store.rewinds.serverOf("s")).toBe("srv");
    const again = world.checkpoints.rewind({ workspaceId: "ws", checkpoint, ...flags });
    await expect(again).rejects.toMatchObject({ name: "SessionBusy" });
    vi.mocked(database.durable).mockImplementation(durable);
    await world.clock.advance(30_000);
    await expect.poll(() => store.rewinds.serverOf("s")).toBeUndefined();
    expect([world.files, world.history()]).toEqual([{}, []]);
    // It can be taken back as any other rewind.
    const [own] = store.list("s", 1);
    if (own === undefined) throw new Error("no checkpoint");
    await world.checkpoints.rewind({ workspaceId: "ws", checkpoint: own, ...flags });
    expect([world.files, world.history()]).toEqual([{ a: "one", b: "two" }, ["m1", "m2"]]);
  } finally {
    await world.checkpoints.close();
    world.close();
  }
});

it("takes 1,000 files of one run back", async () => {
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
