import { expect, onTestFinished, test } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import type { McpServer } from "../../src/config/types.js";
import type { Connect, ConnectionHooks } from "../../src/mcp/serverConnection.js";
import { ToolServers } from "../../src/mcp/toolServers.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { StoppableClock } from "../helpers/stoppableClock.js";

const http: McpServer = { url: "http://127.0.0.1:1/", headers: {} };
const program: McpServer = { command: "program", args: [], env: {} };

/** One attempt to connect to a server, decided by the test. */
class Attempt {
  readonly gate = new Deferred<void>();
  /** Whether the connection was closed; it resolves when the test lets it. */
  isClosed = false;
  readonly closing = new Deferred<void>();
  tools: string[];

  constructor(
    readonly id: string,
    readonly hooks: ConnectionHooks,
    readonly signal: AbortSignal,
    tools: string[],
  ) {
    this.tools = tools;
    this.closing.resolve();
  }

  get listed() {
    return this.tools.map((name) => ({ name, inputSchema: { type: "object" as const } }));
  }
}

/** Servers whose every start waits at a gate, under a clock that the test moves. */
class House {
  readonly clock = new StoppableClock();
  readonly attempts: Attempt[] = [];
  readonly warnings: object[] = [];
  /** What a server lists. */
  offered: Record<string, string[]> = {};
  readonly servers: ToolServers;

  constructor(ownTools = 0) {
    const connect: Connect = async (id, _server, _surroundings, hooks, signal) => {
      const attempt = new Attempt(id, hooks, signal, this.offered[id] ?? ["tool"]);
      this.attempts.push(attempt);
      signal.addEventListener("abort", () => attempt.gate.reject(signal.reason), { once: true });
      await attempt.gate.promise;
      return {
        get tools() {
          return attempt.listed;
        },
        call: async ({ name }) => ({ content: [{ type: "text", text: `${id} did ${name}` }] }),
        prompts: [],
        hasResources: false,
        list: async () => [],
        ask: async () => ({}),
        close: () => {
          attempt.isClosed = true;
          return attempt.closing.promise;
        },
      };
    };
    const log = { ...silentLog, warn: (fields: object) => void this.warnings.push(fields) };
    const { clock } = this;
    const host = new ProcessHost({ clock, ids: randomIds, log: silentLog });
    this.servers = new ToolServers({
      workspacePath: "/w",
      version: "0",
      host,
      clock,
      ids: randomIds,
      log,
      connect,
      ownTools,
    });
    onTestFinished(() => this.servers.dispose());
  }

  get last(): Attempt {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error("nothing was started");
    return attempt;
  }

  async configure(servers: Record<string, McpServer>, env: Record<string, string> = {}) {
    this.servers.reconcile(servers, env);
    await settled();
  }

  /** Lets the newest start succeed. */
  async ready(attempt = this.last): Promise<void> {
    attempt.gate.resolve();
    await settled();
  }

  async fail(message: string): Promise<void> {
    this.last.gate.reject(new Error(message));
    await settled();
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  tools(signal = new AbortController().signal) {
    return this.servers.tools(signal);
  }

  async names(): Promise<string[]> {
    return (await this.tools()).map(({ name }) => name);
  }
}

/** Resolves when every promise that can settle now has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether a promise has settled. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let over = false;
  promise.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  await settled();
  return over;
}

test("a turn waits for a server that is starting, and has its tools", async () => {
  const house = new House();
  await house.configure({ docs: http });
  const tools = house.tools();
  expect(await isOver(tools)).toBe(false);
  await house.ready();
  expect((await tools).map(({ name }) => name)).toEqual(["mcp__docs__tool"]);
});

test("a start that hangs holds up a turn for five seconds, and the next one not at all", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.advance(2_000);
  const first = house.tools();
  await house.advance(2_999);
  expect(await isOver(first)).toBe(false);
  await house.advance(1);
  expect(await first).toEqual([]);
  expect(await house.names()).toEqual([]);
  await house.ready();
  expect(await house.names()).toEqual(["mcp__docs__tool"]);
});

test("one server that hangs does not keep the others from a turn", async () => {
  const house = new House();
  await house.configure({ hangs: http, docs: http });
  await house.ready(house.attempts[1]);
  const tools = house.tools();
  await house.advance(5_000);
  expect((await tools).map(({ name }) => name)).toEqual(["mcp__docs__tool"]);
});

test("a cancelled turn waits no more", async () => {
  const house = new House();
  await house.configure({ docs: http });
  const cancel = new AbortController();
  const tools = house.tools(cancel.signal);
  cancel.abort(new Error("cancelled (user)"));
  await expect(tools).rejects.toThrow("cancelled (user)");
});

test("a start that fails is tried again, after pauses that double up to five minutes", async () => {
  const house = new House();
  await house.configure({ docs: http });
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 11; attempt++) {
    expect(house.attempts).toHaveLength(attempt);
    await house.fail("no such program");
    const waitMs = house.clock.nextDue;
    waits.push(waitMs / 1000);
    await house.advance(waitMs - 1);
    expect(house.attempts).toHaveLength(attempt);
    await house.advance(1);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  expect(house.warnings[0]).toEqual({ server: "docs", reason: "no such program", waitMs: 1000 });
  await house.ready();
  expect(await house.names()).toEqual(["mcp__docs__tool"]);
});

test("a start that takes more than a minute is given up", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.advance(59_999);
  expect(house.last.signal.aborted).toBe(false);
  await house.advance(1);
  expect(house.last.signal.aborted).toBe(true);
  expect(house.warnings).toMatchObject([{ reason: "it did not start within 60 seconds" }]);
});

test("a dead server's tools are gone until it is back, and a call says why", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.ready();
  const [tool] = await house.tools();
  house.last.hooks.onEnded("it ended (SIGSEGV)");
  expect(house.last.isClosed).toBe(true);
  expect(await house.names()).toEqual([]);
  const context = {
    workspacePath: "/w",
    sessionId: "s",
    toolCallId: "c",
    env: {},
    onOutput: () => {},
    signal: new AbortController().signal,
    permissions: { check: async () => ({ allowed: true }) as const },
  };
  expect(await tool?.execute({}, context)).toEqual({
    output:
      'The tool server "docs" does not run (it ended (SIGSEGV)). It is being started again; go on without it, or try again later.',
    isError: true,
  });
  await house.advance(1_000);
  await house.ready();
  expect(await house.names()).toEqual(["mcp__docs__tool"]);
  expect(await tool?.execute({}, context)).toEqual({ output: "docs did tool" });
});

test("a server that ran for a minute is started again at once, one that keeps dying ever later", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.ready();
  house.last.hooks.onEnded("it ended");
  await house.advance(1_000);
  await house.ready();
  house.last.hooks.onEnded("it ended");
  expect(house.clock.nextDue).toBe(2_000);
  await house.advance(2_000);
  await house.ready();
  await house.advance(60_000);
  house.last.hooks.onEnded("it ended");
  expect(house.clock.nextDue).toBe(1_000);
});

test("a server that ends in the moment in which it is ready is started again", async () => {
  const house = new House();
  await house.configure({ docs: http });
  house.last.gate.resolve();
  house.last.hooks.onEnded("it ended");
  await settled();
  expect(await house.names()).toEqual([]);
  await house.advance(1_000);
  expect(house.attempts).toHaveLength(2);
});

test("a new start waits until nothing is left of the one before it", async () => {
  const house = new House();
  await house.configure({ docs: program });
  const [first] = house.attempts;
  const slow = new Deferred<void>();
  Object.assign(first ?? {}, { closing: slow });
  await house.ready();
  first?.hooks.onEnded("it ended");
  await house.advance(1_000);
  expect(house.attempts).toHaveLength(1);
  slow.resolve();
  await settled();
  expect(house.attempts).toHaveLength(2);
});

test("tools that change are offered from the next turn on", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.ready();
  house.last.tools = ["one", "two"];
  house.last.hooks.onToolsChanged();
  expect(await house.names()).toEqual(["mcp__docs__one", "mcp__docs__two"]);
});

test("a changed configuration starts what is new, stops what is gone, and leaves the rest", async () => {
  const house = new House();
  await house.configure({ stays: http, goes: http, changes: program });
  for (const attempt of house.attempts) await house.ready(attempt);
  await house.configure({ stays: http, changes: { ...program, args: ["-v"] }, comes: http });
  const started = house.attempts.slice(3).map(({ id }) => id);
  expect(started).toEqual(["changes", "comes"]);
  expect(house.attempts.slice(0, 3).map(({ isClosed }) => isClosed)).toEqual([false, true, true]);
  for (const attempt of house.attempts.slice(3)) await house.ready(attempt);
  const names = ["mcp__stays__tool", "mcp__changes__tool", "mcp__comes__tool"];
  expect(await house.names()).toEqual(names);
});

test("another environment starts programs anew, and nothing behind a URL", async () => {
  const house = new House();
  await house.configure({ web: http, docs: program }, { LEVEL: "1" });
  for (const attempt of house.attempts) await house.ready(attempt);
  await house.configure({ web: http, docs: program }, { LEVEL: "2" });
  expect(house.attempts.map(({ id, isClosed }) => [id, isClosed])).toEqual([
    ["web", false],
    ["docs", true],
    ["docs", false],
  ]);
});

test("a server that is no longer configured says so to a turn that still knows its tools", async () => {
  const house = new House();
  await house.configure({ docs: http });
  await house.ready();
  const [tool] = await house.tools();
  await house.configure({});
  const result = await tool?.execute(
    {},
    {
      workspacePath: "/w",
      sessionId: "s",
      toolCallId: "c",
      env: {},
      onOutput: () => {},
      signal: new AbortController().signal,
      permissions: { check: async () => ({ allowed: true }) },
    },
  );
  expect(result?.output).toBe('The tool server "docs" is no longer configured.');
});

test("of two tools that would have one name the first is offered", async () => {
  const house = new House();
  house.offered = { docs: ["same", "same", "other"] };
  await house.configure({ docs: http });
  await house.ready();
  expect(await house.names()).toEqual(["mcp__docs__same", "mcp__docs__other"]);
});

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `t${n}`);

test.each([
  [{ a: 128 }, 0, { a: 128 }],
  [{ a: 200 }, 0, { a: 128 }],
  [{ a: 200, b: 5 }, 8, { a: 115, b: 5 }],
  [{ a: 200, b: 200 }, 14, { a: 57, b: 57 }],
  [{ a: 3, b: 200, c: 100 }, 15, { a: 3, b: 55, c: 55 }],
  [{ a: 50, b: 50 }, 28, { a: 50, b: 50 }],
])(
  "of servers with %j tools beside %i others, as many are offered as a provider takes: %j",
  async (offered, ownTools, expected) => {
    const house = new House(ownTools);
    house.offered = Object.fromEntries(
      Object.entries(offered).map(([id, count]) => [id, numbered(count)]),
    );
    await house.configure(Object.fromEntries(Object.keys(offered).map((id) => [id, http])));
    for (const attempt of house.attempts) await house.ready(attempt);
    const names = await house.names();
    expect(names).toEqual(
      Object.entries(expected).flatMap(([id, count]) =>
        numbered(count).map((name) => `mcp__${id}__${name}`),
      ),
    );
    // The rest is told once, by name, and again where it is another.
    const missing = Object.entries(offered).flatMap(([id, count]) => {
      const tools = numbered(count).map((name) => `mcp__${id}__${name}`);
      const leftOut = tools.filter((name) => !names.includes(name));
      return leftOut.length === 0 ? [] : [{ server: id, tools: leftOut }];
    });
    await house.names();
    expect(house.warnings).toEqual(missing);
    expect(house.servers.warningsFor()).toEqual(
      missing.map(
        ({ server, tools }) =>
          `${tools.length} tools of the tool server "${server}" are left out: a provider takes no more.`,
      ),
    );
  },
);

test("disposing ends what starts, what runs and what waits, and waits for all of it", async () => {
  const house = new House();
  await house.configure({ runs: http, fails: http, starts: http });
  const [runs, fails, starts] = house.attempts;
  const slow = new Deferred<void>();
  Object.assign(runs ?? {}, { closing: slow });
  await house.ready(runs);
  fails?.gate.reject(new Error("no"));
  await settled();
  const disposed = house.servers.dispose();
  expect(await isOver(disposed)).toBe(false);
  expect(starts?.signal.aborted).toBe(true);
  expect(runs?.isClosed).toBe(true);
  slow.resolve();
  await disposed;
  expect(house.clock.pending).toBe(0);
  await house.configure({ late: http });
  expect(house.attempts).toHaveLength(3);
});

test("a session's own servers are its alone, and come before those of the configuration", async () => {
  const house = new House();
  const { servers } = house;
  await servers.setSession("ses_1", [
    { name: "docs", command: "own-docs" },
    { name: "more", url: "https://example.test/mcp" },
  ]);
  house.offered = { docs: ["tool"], web: ["tool"], more: ["extra"] };
  const local = { command: "docs", args: [], env: {} };
  await house.configure({ docs: local, web: { url: "https://example.test/", headers: {} } });
  for (const attempt of house.attempts) await house.ready(attempt);
  const { signal } = new AbortController();
  const namesOf = async (sessionId?: string) =>
    (await servers.tools(signal, sessionId)).map(({ name }) => name);
  expect(await namesOf("ses_1")).toEqual(["mcp__docs__tool", "mcp__more__extra", "mcp__web__tool"]);
  expect(await namesOf("ses_2")).toEqual(["mcp__docs__tool", "mcp__web__tool"]);
  expect(await namesOf()).toEqual(["mcp__docs__tool", "mcp__web__tool"]);
  expect(house.attempts.map(({ id }) => id)).toEqual(["docs", "web", "docs", "more"]);
  const gone = servers.setSession("ses_1", []);
  expect(await namesOf("ses_1")).toEqual(["mcp__docs__tool", "mcp__web__tool"]);
  for (const attempt of house.attempts.slice(2)) attempt.closing.resolve();
  await gone;
  expect(house.attempts.map(({ isClosed }) => isClosed)).toEqual([false, false, true, true]);
});

test("a sleep of the machine is not taken for a server's slowness, nor ends the wait for it", async () => {
  const house = new House();
  await house.configure({ docs: { command: "docs", args: [], env: {} } });
  const names = house.names();
  await settled();
  for (let sleep = 0; sleep < 2; sleep++) {
    house.clock.sleep(3_600_000);
    await settled();
  }
  expect(house.last.signal.aborted).toBe(false);
  expect(await isOver(names)).toBe(false);
  await house.ready();
  expect(await names).toHaveLength(1);
  expect(house.warnings).toEqual([]);
});
