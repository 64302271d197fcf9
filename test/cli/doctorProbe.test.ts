// `turnwire doctor --probe` and `--json`, with providers and tool servers on this machine.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { doctor } from "../../src/cli/doctor.js";
import {
  errorReply,
  type LoopbackProvider,
  reply,
  startLoopbackProvider,
} from "../helpers/loopbackProvider.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { notOnLinux, unless } from "../helpers/unless.js";
import { launcher, offlineEnvironment } from "./runHarness.js";

const scriptedAgent = fileURLToPath(new URL("../helpers/scriptedAgent.mjs", import.meta.url));
const mcpServer = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));
const key = "sk-a-key-that-nobody-may-see";

let root: string;
let provider: LoopbackProvider;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "turnwire-probe-"));
  provider = await startLoopbackProvider();
});
afterEach(async () => {
  await provider.close();
  rmSync(root, { recursive: true });
});

function configure(value: object): void {
  mkdirSync(join(root, "turnwire"), { recursive: true });
  writeFileSync(join(root, "turnwire", "config.json"), JSON.stringify(value));
}

const hosted = () => ({
  type: "openai-compatible",
  baseUrl: provider.baseUrl,
  apiKey: "$HOSTED_KEY",
  models: [{ id: "large" }, { id: "small", supportsImages: true }],
});

const chosen = (model: string) => ({ provider: "hosted", model });

async function examine(json = false, env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const code = await doctor({
    env: { ...process.env, HOME: root, XDG_CONFIG_HOME: root, HOSTED_KEY: key, ...env },
    workspacePath: root,
    dataDir: join(root, "state"),
    versions: { turnwire: "1.2.3", protocol: 1, node: "20.19.0", platform: "linux x64" },
    probe: { clock: systemClock, ids: randomIds },
    json,
    write: (line) => lines.push(line),
  });
  expect(lines.join("\n")).not.toContain(key);
  const told = (subject: string) => lines.filter((line) => line.startsWith(`${subject} `));
  return { code, lines, told };
}

describe("doctor --probe with engines", () => {
  const agent = (told: object, seconds: string) => ({
    type: "acp",
    command: [process.execPath, scriptedAgent],
    env: { AGENT: JSON.stringify({ ...told, leaves: seconds }), KEY: key },
  });

  it("starts each, says what it can, and ends it with all its processes", async () => {
    const seconds = uniqueSeconds();
    const prompts = { promptCapabilities: { image: true } };
    const noLoad = { noLoad: true, initialize: { _meta: { steering: { supported: true } } } };
    configure({
      engines: {
        good: agent({ capabilities: prompts }, seconds),
        plain: agent(noLoad, seconds),
        refuses: agent({ initError: { code: 1, message: `too old for ${key}` } }, seconds),
        later: agent({ version: 2 }, seconds),
        nowhere: { type: "acp", command: ["no-such-agent"] },
      },
    });
    const { code, told, lines } = await examine();
    expect(code).toBe(1);
    const asked = (name: string) => told("engine").find((line) => line.includes(` ${name}: `));
    expect(asked("good")).toMatch(/good: scripted 1, goes on in its sessions, images \(\d+ ms\)$/);
    expect(asked("plain")).toMatch(/does not load sessions.*takes prompts in a running turn/);
    const bad = lines.join("\n");
    expect(bad).toMatch(/refuses: it does not start: too old for \[redacted\]/);
    expect(bad).toMatch(/later: it does not start: it speaks version 2/);
    expect(bad).toMatch(/nowhere: it does not start: there is no program no-such-agent/);
    expect(processesWith(seconds)).toEqual([]);
  });
});

describe("doctor --probe", () => {
  it("asks the chosen models once, with a small request, and says what they can do", async () => {
    configure({
      providers: { hosted: hosted() },
      models: { large: chosen("large"), small: chosen("small") },
    });
    const { code, told } = await examine();
    expect(code).toBe(0);
    expect(told("asked")).toEqual([
      expect.stringMatching(/^asked +hosted\/large: streams, takes tools \(\d+ ms\)$/),
      expect.stringMatching(/^asked +hosted\/small: streams, takes tools, images \(\d+ ms\)$/),
    ]);
    expect(provider.requests).toHaveLength(2);
    for (const { body } of provider.requests) {
      expect(JSON.stringify(body).length).toBeLessThan(600);
      expect(body.tools).toHaveLength(1);
    }
  });

  it("asks one model of a provider that is not chosen, and ends with 1 where one fails", async () => {
    const gone = await startLoopbackProvider();
    const { port } = gone;
    await gone.close();
    configure({
      providers: {
        hosted: hosted(),
        gone: { ...hosted(), baseUrl: `http://127.0.0.1:${port}/v1` },
      },
      models: { large: chosen("large"), small: chosen("large") },
    });
    const { code, told, lines } = await examine();
    expect(code).toBe(1);
    expect(told("asked")).toEqual([
      expect.stringContaining("hosted/large: streams"),
      expect.stringMatching(new RegExp(`PROBLEM: gone/large: .*127\\.0\\.0\\.1:${port}`)),
    ]);
    expect(lines.at(-1)).toBe("1 to put right");
  });

  it.each([
    [401, `the key ${key} is wrong`, /401.*HOSTED_KEY/],
    [404, "no such model", /404/],
    [429, "slow down", /429/],
    [500, "an accident", /500/],
    [400, "tools are not supported", /tools/],
  ])("tells the fix after an answer of %i, and asks only once", async (status, text, told) => {
    provider.enqueue(errorReply(status, text), reply().text("OK"));
    configure({
      providers: { hosted: hosted() },
      models: { large: chosen("large"), small: chosen("large") },
    });
    const found = await examine();
    expect(found.code).toBe(1);
    expect(found.told("asked")[0]).toMatch(told);
    expect(provider.requests).toHaveLength(1);
  });

  it("takes a reply that the limit has cut for an answer", async () => {
    provider.enqueue(reply().finish("length"));
    configure({
      providers: { hosted: hosted() },
      models: { large: chosen("large"), small: chosen("large") },
    });
    expect((await examine()).code).toBe(0);
  });

  it("starts the tool servers, says what they have, and leaves nothing of them", async () => {
    configure({
      mcpServers: {
        works: { command: process.execPath, args: [mcpServer] },
        gone: { command: join(root, "no-such-program"), args: [], env: { TOKEN: key } },
        ends: { command: process.execPath, args: ["-e", "process.exit(3)"] },
      },
    });
    const { code, told } = await examine();
    expect(code).toBe(1);
    const [works = "", gone, ends] = told("started");
    expect(works).toMatch(/^started +works: \d+ tools, .*\(\d+ ms\)$/);
    expect(gone).toMatch(/PROBLEM: gone: it does not start: .*no-such-program/);
    expect(ends).toMatch(/PROBLEM: ends: it does not start: /);
    expect(readdirSync(root)).toEqual(["turnwire"]);
  });

  unless(
    it,
    notOnLinux,
    "the program of the sandbox is looked for in another way",
  )("starts no tool server outside of the sandbox that is asked for", async () => {
    configure({
      mcpServers: { works: { command: process.execPath, args: [mcpServer] } },
      permissions: { sandbox: "read-only" },
    });
    const { code, told } = await examine(false, { PATH: root });
    expect(told("started")).toEqual([expect.stringMatching(/PROBLEM: works: .*sandbox/i)]);
    expect(code).toBe(1);
  });

  it("gives one object for programs", async () => {
    provider.enqueue(errorReply(401, `the key ${key} is wrong`));
    configure({
      providers: { hosted: hosted() },
      models: { large: chosen("large"), small: chosen("large") },
    });
    const { code, lines } = await examine(true);
    expect(code).toBe(1);
    expect(lines).toHaveLength(1);
    const { ok, versions, findings, probes } = JSON.parse(lines[0] ?? "");
    expect(ok).toBe(false);
    expect(versions).toEqual({
      turnwire: "1.2.3",
      protocol: 1,
      node: "20.19.0",
      platform: "linux x64",
    });
    expect(findings).toContainEqual({
      subject: "large model",
      ok: true,
      text: "hosted/large",
    });
    expect(probes).toEqual([
      {
        kind: "model",
        name: "hosted/large",
        ok: false,
        errorName: "ProviderAuth",
        milliseconds: expect.any(Number),
        text: expect.stringContaining("HOSTED_KEY"),
      },
    ]);
  });

  it("shows no control character of a provider", async () => {
    provider.enqueue(errorReply(400, "bad\u001b[2J\u202eline"));
    configure({
      providers: { hosted: hosted() },
      models: { large: chosen("large"), small: chosen("large") },
    });
    const { told } = await examine();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there.
    expect(told("asked")[0]).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

describe("the command", () => {
  const turnwire = (...args: string[]) =>
    spawnSync(process.execPath, [launcher, "doctor", ...args], {
      cwd: root,
      env: { ...process.env, ...offlineEnvironment(root) },
      encoding: "utf8",
    });

  it("asks the offline model of a fresh machine, and writes nothing", () => {
    const { status, stdout } = turnwire("--probe", "--json");
    const { ok, probes } = JSON.parse(stdout);
    expect({ status, ok }).toEqual({ status: 0, ok: true });
    expect(probes).toMatchObject([{ kind: "model", name: "offline/offline", ok: true }]);
    // Node keeps what it has compiled.
    expect(readdirSync(root).filter((name) => name !== ".cache")).toEqual([]);
  });

  it("asks nothing unless it is told to, and repairs nothing beside", () => {
    expect(JSON.parse(turnwire("--json").stdout)).not.toHaveProperty("probes");
    expect(turnwire("--repair", "--json").status).toBe(2);
    expect(turnwire("--repair", "--probe").status).toBe(2);
  });
});
