// `relays` of the configuration and `turnwire relay`, with the built program and a webhook on loopback.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../src/storage/database.js";
import { RelayStore } from "../../src/storage/relayStore.js";
import { launcher, offlineEnvironment } from "../cli/runHarness.js";
import { buildServer, type TestBuild } from "../helpers/faultBuild.js";
import { ServerChild } from "../helpers/serverChild.js";
import { onWindows, unless } from "../helpers/unless.js";

const built = new URL("../../dist/main.js", import.meta.url).pathname;
const secret = "whsec_c2VjcmV0LXRoYXQtbm9ib2R5LXNlZXM=";

let root: string;
let hook: Server;
// biome-ignore lint/suspicious/noExplicitAny: a test looks into what came, whatever that is.
let got: any[];
let status: number;
let wake: () => void;
let children: ServerChild[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "turnwire-relay-"));
  for (const name of ["data", "project"]) mkdirSync(join(root, name));
  got = [];
  children = [];
  status = 200;
  wake = () => {};
  hook = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      response.writeHead(status).end();
      if (status === 200) got.push(JSON.parse(body));
      wake();
    });
  }).listen(0, "127.0.0.1");
  await once(hook, "listening");
});
afterEach(async () => {
  for (const child of children) if (!child.isGone) await child.kill();
  hook.closeAllConnections();
  hook.close();
  rmSync(root, { recursive: true, force: true });
});

const hookUrl = () => {
  const address = hook.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
};

function environment() {
  const config = join(root, "config.json");
  const relays = { hook: { type: "http", url: "$HOOK_URL", secret: "$HOOK_SECRET" } };
  writeFileSync(config, JSON.stringify({ relays }));
  return { TURNWIRE_CONFIG: config, HOOK_URL: hookUrl(), HOOK_SECRET: secret };
}

function start(more: { main?: string; env?: Record<string, string>; dataDir?: string } = {}) {
  const { main = built, env = {}, dataDir = join(root, "data") } = more;
  const child = new ServerChild({ main, dataDir, env: { ...environment(), ...env } });
  children.push(child);
  return child;
}

async function until(condition: () => boolean, seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`it never came to be; ${children.at(-1)?.stderr}`);
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, 50);
    });
  }
}

/** Runs of the offline model on a new session. */
async function work(server: ServerChild, runIds: readonly string[]): Promise<void> {
  await server.request("initialize", { protocolVersion: 1, clientId: "editor" });
  const path = join(root, "project");
  const { id: workspaceId } = await server.request("createWorkspace", { path, initAgent: true });
  const { id: sessionId } = await server.request("createSession", { workspaceId });
  for (const runId of runIds) {
    const prompt = `@say ${runId}`;
    await server.request("sendMessage", { workspaceId, sessionId, runId, prompt });
    await server.request("waitRun", { workspaceId, runId });
  }
}

async function turnwire(...args: string[]) {
  const { ended } = turnwireChild(...args);
  return ended;
}

function turnwireChild(...args: string[]) {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: join(root, "project"),
    env: { ...process.env, ...offlineEnvironment(root), ...environment() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  return { child, ended };
}

const relay = (command: string, ...args: string[]) =>
  turnwire("relay", command, ...args, "--data-dir", join(root, "data"));
const runsOf = (events: readonly { turnwirerunid?: string }[]) =>
  events.map(({ turnwirerunid }) => turnwirerunid);
const firsts = () => [...new Map(got.map((event) => [event.id, event])).values()];

/** As after five refusals over ten minutes. */
function setAside(name: string, one: { sequence: number; completionId: string }): void {
  const database = Database.open(join(root, "data", "turnwire.db"));
  try {
    const store = new RelayStore(database);
    const row = store.find(name);
    if (row === undefined) throw new Error("there is no such relay");
    store.change(name, row, Date.now(), { ...one, reason: "no", at: Date.now() });
  } finally {
    database.close();
  }
}

describe("a server whose user has configured a relay", () => {
  it("sends each completion, whatever its client acknowledges, and one more server sends none twice", async () => {
    const first = start();
    await work(first, ["r1", "r2"]);
    await until(() => got.length === 2);
    const second = start();
    await work(second, ["r3"]);
    await until(() => got.length === 3);
    while (!(await relay("status")).output.includes("nothing to send"));
    await first.kill();
    const third = start();
    await work(third, ["r4"]);
    await until(() => got.length === 4);
    expect(runsOf(got)).toEqual(["r1", "r2", "r3", "r4"]);
    expect(new Set(got.map(({ turnwireepoch }) => turnwireepoch)).size).toBe(1);
  });

  unless(
    it,
    onWindows,
    "no signal stops a process there",
  )(
    "is waited for while it is stopped by a signal, and sends all of it in order when it is woken",
    async () => {
      const keeper = start();
      await work(keeper, ["r1"]);
      // What it has sent and not noted would come again.
      const isNoted = async () => (await relay("status")).output.includes("nothing to send");
      while (!(await isNoted()));
      process.kill(keeper.pid, "SIGSTOP");
      const other = start();
      await work(other, ["r2", "r3"]);
      expect((await relay("status")).output).toContain("2 to send");
      expect(runsOf(got)).toEqual(["r1"]);
      process.kill(keeper.pid, "SIGCONT");
      await until(() => got.length === 3);
      while (!(await isNoted()));
      await keeper.kill();
      await work(start(), ["r4"]);
      await until(() => got.length === 4);
      expect(runsOf(got)).toEqual(["r1", "r2", "r3", "r4"]);
    },
  );

  it("keeps no run waiting where the place is away, and tells what is wrong", async () => {
    status = 503;
    const server = start();
    await work(server, ["r1"]);
    await until(() => server.stderr.includes("HTTP status 503"));
    const { output } = await turnwire("doctor", "--data-dir", join(root, "data"));
    expect(output).toMatch(/relay +hook: 1 to send; since .*: HTTP status 503/);
    expect(output).toMatch(/relay +hook \(http at http:\/\/127\.0\.0\.1:\d+\) is configured/);
    status = 200;
    await until(() => got.length === 1);
  });

  it("has its secrets nowhere but in the signature", async () => {
    const server = start({ env: { HOOK_URL: `${hookUrl()}?key=url-secret-1234` } });
    status = 503;
    await work(server, ["r1"]);
    await until(() => server.stderr.includes("HTTP status 503"));
    await server.end();
    const files = readdirSync(join(root, "data"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"));
    for (const text of [...files, server.stderr]) {
      expect(text).not.toContain(secret.slice(6, 20));
      expect(text).not.toContain("url-secret-1234");
    }
  });

  it("leaves a relay of a workspace's own file out, and one with an unset variable", async () => {
    writeFileSync(
      join(root, "project", "turnwire.json"),
      JSON.stringify({ relays: { theirs: { type: "http", url: hookUrl() } } }),
    );
    const server = start({ env: { HOOK_SECRET: "" } });
    await work(server, ["r1"]);
    await until(() => server.stderr.includes("relays.hook.secret is left out"));
    await until(() => server.stderr.includes("turnwire.json: relays is ignored"));
    await server.end();
    expect(got).toEqual([]);
  });

  it("sends the last completions when it ends", async () => {
    const server = start();
    await work(server, ["r1", "r2", "r3"]);
    expect(await server.end()).toBe(0);
    expect(runsOf(got)).toEqual(["r1", "r2", "r3"]);
  });
});

describe("a server that is killed while it relays", () => {
  let build: TestBuild;
  beforeAll(() => {
    build = buildServer({ faultPoints: true });
  });
  afterAll(() => build.remove());

  it.each(["relaying:1", "relayed:1", "relayed:2", "relayMoved:1", "committed:2"])(
    "loses nothing, and keeps the order: %s",
    async (point) => {
      const dying = start({ main: build.main, env: { TURNWIRE_FAULT_POINT: point } });
      const ids = ["r1", "r2", "r3"];
      const accepted: string[] = [];
      let isDead = false;
      const dies = dying.exited.then(() => {
        isDead = true;
      });
      try {
        for (const id of ids) {
          await (accepted.length === 0 ? work(dying, [id]) : goOn(dying, id));
          accepted.push(id);
          // Each is sent by itself, so that every point is reached.
          await until(() => isDead || runsOf(got).includes(id));
        }
        await dying.exited;
      } catch {
        // It is dead.
      }
      await dies;
      const next = start({ main: build.main });
      await work(next, ["last"]);
      await until(() => runsOf(got).includes("last"));
      const sequences = firsts().map(({ turnwiresequence }) => Number(turnwiresequence));
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
      for (const id of accepted) expect(runsOf(got)).toContain(id);
      const texts = new Map<string, string>();
      for (const event of got) {
        expect(texts.get(event.id) ?? JSON.stringify(event)).toBe(JSON.stringify(event));
        texts.set(event.id, JSON.stringify(event));
      }
    },
  );

  async function goOn(server: ServerChild, runId: string): Promise<void> {
    const { workspaces } = (await server.request("listWorkspaces")) as {
      workspaces: { id: string }[];
    };
    const workspaceId = workspaces[0]?.id;
    const { id: sessionId } = await server.request("createSession", { workspaceId });
    await server.request("sendMessage", { workspaceId, sessionId, runId, prompt: `@say ${runId}` });
    await server.request("waitRun", { workspaceId, runId });
  }
});

describe("turnwire relay", () => {
  it("carries what is there, tells how far it is, and forgets", async () => {
    const server = start({ env: { TURNWIRE_CONFIG: "" } });
    await work(server, ["r1", "r2"]);
    await server.end();
    const place = ["--http", "$HOOK_URL", "--secret", "$HOOK_SECRET", "--name", "other"];
    expect(await relay("run", "--once", ...place)).toMatchObject({ code: 0 });
    expect(runsOf(got)).toEqual(["r1", "r2"]);
    expect(await relay("status")).toEqual({ code: 0, output: "other: nothing to send\n" });
    expect(JSON.parse((await relay("status", "--json")).output)).toEqual({
      relays: [
        {
          name: "other",
          behind: 0,
          setAside: 0,
          isStopped: false,
          place: `http at ${hookUrl().slice(0, -1)}`,
        },
      ],
    });
    expect(await relay("forget", "other")).toEqual({ code: 0, output: "other is forgotten\n" });
    expect(await relay("forget", "other")).toMatchObject({ code: 1 });
    const none = "No relay has begun in this data directory.\n";
    expect(await relay("status")).toEqual({ code: 0, output: none });
  });

  it("tells that its place has changed, and what the new one does not get", async () => {
    const server = start({ env: { TURNWIRE_CONFIG: "" } });
    await work(server, ["r1", "r2"]);
    await server.end();
    const carry = (url: string) => relay("run", "--once", "--http", url, "--name", "other");
    const old = hookUrl();
    // A key that is changed makes no other place.
    for (const url of [`${old}a?key=first-key-1`, `${old}a?key=second-key-2`]) {
      const { code, output } = await carry(url);
      expect({ code, isTold: output.includes("changed") }).toEqual({ code: 0, isTold: false });
    }
    const next = createServer((request, response) => {
      request.resume();
      response.writeHead(204).end();
    }).listen(0, "127.0.0.1");
    await once(next, "listening");
    try {
      const address = next.address();
      const { port } = typeof address === "object" && address !== null ? address : { port: 0 };
      const again = start({ env: { TURNWIRE_CONFIG: "" } });
      await work(again, ["r3"]);
      await again.end();
      const { output } = await carry(`http://127.0.0.1:${port}/?key=third-key-3`);
      const [before, now] = [`http at ${old.slice(0, -1)}`, `http at http://127.0.0.1:${port}`];
      for (const text of [before, now, "the place of a relay has changed", "relay forget other"]) {
        expect(output).toContain(text);
      }
      const told = (await relay("status")).output;
      expect(told).toContain(`from ${before} to ${now}, which gets only what came later`);
      expect(told).toContain("then `turnwire relay forget other`");
      expect((await turnwire("doctor", "--data-dir", join(root, "data"))).output).toContain(
        `other: its place changed at `,
      );
      expect(output + told).not.toMatch(/-key-\d/);
      // What it says to do sends everything, and is told no more.
      await relay("forget", "other");
      got = [];
      expect((await carry(old)).output).not.toContain("changed");
      expect(runsOf(got)).toEqual(["r1", "r2", "r3"]);
      expect((await relay("status")).output).toBe("other: nothing to send\n");
    } finally {
      next.closeAllConnections();
      next.close();
    }
  });

  it("lets a relay go on that was told to stop", async () => {
    status = 410;
    const server = start();
    await work(server, ["r1"]);
    await until(() => server.stderr.includes("a relay was told to stop"));
    const { code, output } = await turnwire("doctor", "--data-dir", join(root, "data"));
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining("hook was told to stop"),
    });
    // Whoever works as the relay must end before it is forgotten.
    expect(await relay("forget", "hook")).toMatchObject({ code: 1 });
    status = 200;
    expect(await relay("retry", "hook")).toEqual({ code: 0, output: "0 to be sent again\n" });
    await until(() => got.length === 1);
    expect(await relay("retry", "hook", "cmp_x")).toMatchObject({ code: 1 });
    expect(await relay("retry", "nobody")).toMatchObject({ code: 1 });
  });

  it("sends what was asked for again, although nothing else is behind, and tells if it is refused", async () => {
    const server = start({ env: { TURNWIRE_CONFIG: "" } });
    await work(server, ["r1", "r2"]);
    await server.end();
    const once = () => relay("run", "--once", "--http", "$HOOK_URL", "--name", "other");
    expect(await once()).toMatchObject({ code: 0 });
    const id = got.find(({ turnwirerunid }) => turnwirerunid === "r1").id;
    setAside("other", { sequence: 1, completionId: id });
    expect(await relay("retry", "other")).toMatchObject({ output: "1 to be sent again\n" });
    expect((await relay("status")).output).toBe(
      "other: 0 to send, 1 to send again\n  1 set aside\n",
    );
    status = 400;
    const refused = await once();
    expect(refused.code).toBe(1);
    expect(refused.output).toContain("other: 1 refused, and set aside");
    await relay("retry", "other");
    status = 200;
    expect(await once()).toMatchObject({ code: 0 });
    expect(runsOf(got)).toEqual(["r1", "r2", "r1"]);
  });

  it.each([
    ["--once", 130],
    ["--log-level=error", 0],
  ])("ends at a signal, and says with %s whether all was sent", async (flag, code) => {
    const server = start({ env: { TURNWIRE_CONFIG: "" } });
    await work(server, ["r1"]);
    await server.end();
    status = 503;
    const asked = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const place = ["--http", "$HOOK_URL", "--data-dir", join(root, "data")];
    const { child, ended } = turnwireChild("relay", "run", flag, ...place);
    await asked;
    child.kill("SIGTERM");
    expect(await ended).toMatchObject({ code });
  });

  it("says where nothing is configured, and where a variable has no value", async () => {
    expect(await relay("run", "--name", "none")).toMatchObject({ code: 2 });
    const { code, output } = await relay("run", "--http", "$NOT_SET_HERE");
    expect({ code, output }).toMatchObject({
      code: 1,
      output: expect.stringContaining("NOT_SET_HERE is not set"),
    });
    expect(await relay("retry", "x")).toMatchObject({ code: 1 });
  });
});

describe("a data directory that was copied", () => {
  it("is the same machine in another epoch, and what neither had sent comes from both under one id", async () => {
    status = 503;
    const first = start();
    await work(first, ["r1"]);
    await first.end();
    const copy = join(root, "copy");
    cpSync(join(root, "data"), copy, { recursive: true });
    status = 200;
    const [original, copied] = [start(), start({ dataDir: copy })];
    await work(original, ["r2"]);
    await work(copied, ["r3"]);
    await until(() => got.length === 4);
    const of = (runId: string) => got.filter(({ turnwirerunid }) => turnwirerunid === runId);
    const [[two], [three]] = [of("r2"), of("r3")];
    expect(two.turnwireepoch).not.toBe(three.turnwireepoch);
    expect(new Set(of("r1").map(({ id }) => id)).size).toBe(1);
    for (const { turnwireepoch } of [two, three]) {
      const own = got.filter((event) => event.turnwireepoch === turnwireepoch);
      expect(own.map(({ turnwiresequence }) => Number(turnwiresequence))).toEqual([1, 2]);
    }
    expect(new Set(got.map(({ source }) => source.split("/")[2])).size).toBe(1);
  });

  it("is in another epoch too where it was put back in the place of what came after it", async () => {
    const before = start();
    await work(before, ["r1"]);
    await until(() => got.length === 1);
    await before.end();
    const [place, backup] = [join(root, "data"), join(root, "backup")];
    cpSync(place, backup, { recursive: true });
    const lost = start();
    await work(lost, ["r2"]);
    await until(() => got.length === 2);
    await lost.end();
    rmSync(place, { recursive: true });
    cpSync(backup, place, { recursive: true });
    await work(start(), ["r3"]);
    await until(() => got.length === 3);
    const [, two, three] = got;
    // Another run has that number now.
    expect(three.turnwiresequence).toBe(two.turnwiresequence);
    expect(three.turnwireepoch).not.toBe(two.turnwireepoch);
    expect(three.source.split("/")[2]).toBe(two.source.split("/")[2]);
  });
});
