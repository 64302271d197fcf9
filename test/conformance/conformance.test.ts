// The kit before our server.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, inject, it } from "vitest";
import { writeConfigDirs } from "../../src/conformance/configDirs.js";
import { requirements } from "../../src/conformance/requirements.js";
import { ScriptedProvider } from "../../src/conformance/scriptedProvider.js";
import { type Launch, launchCommands } from "../../src/conformance/serverPipes.js";
import { compiledEnvironment } from "../helpers/runFolder.js";
import { breakServers } from "./brokenServer.js";
import { failuresOf, launchOurs } from "./checkedServer.js";

const folder = mkdtempSync(join(tmpdir(), "turnwire-kit-test-"));

const provider = await ScriptedProvider.start();

afterAll(async () => {
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the command, and gives what it printed and its exit code. */
async function conformance(...args: string[]) {
  const run = promisify(execFile);
  const argv = [inject("serverScript"), "conformance", ...args];
  const done = await run(process.execPath, argv).catch((error: unknown) => error);
  const { stdout, stderr, code = 0 } = done as { stdout: string; stderr: string; code?: number };
  return { lines: stdout.trimEnd().split("\n"), stderr, code };
}

/** All requirements take more than a minute, and several on a slow machine. */
const longestMs = 600_000;

/** `turnwire serve` ends with its client: the level of servers that outlive theirs is not its own. */
const claimed = requirements.filter(({ group }) => group !== "daemon");

describe("the kit", () => {
  it.each([
    ["ndjson", "offline"],
    ["header", "provider"],
  ] as const)(
    "passes our server in %s with the model %s",
    async (framing, model) => {
      const launch = await launchOurs(folder, provider);
      const failures = await failuresOf(launch, claimed, { framing, model, provider });
      expect(failures).toEqual([]);
    },
    longestMs,
  );
});

/** `turnwire serve --attach` at a daemon that the first one starts. */
async function launchAttached(): Promise<Launch> {
  const configDirs = await writeConfigDirs(join(folder, "daemon"), provider.url);
  const first = [process.execPath, inject("serverScript"), "serve", "--attach", "--start"];
  const env = { PATH: process.env.PATH, ...compiledEnvironment() };
  return launchCommands({ first, configDirs, providerUrl: provider.url, env });
}

describe("a daemon", () => {
  it(
    "passes its level, and the core on the connection that checks share",
    async () => {
      const chosen = requirements.filter(
        ({ group, lane }) => group === "daemon" || (group === "core" && lane === "main"),
      );
      expect(await failuresOf(await launchAttached(), chosen, { provider })).toEqual([]);
    },
    longestMs,
  );
});

describe("a server without an offline model", () => {
  it("is checked with the kit's provider", async () => {
    const launch = breakServers(await launchOurs(folder, provider), () => ({
      fromServer(message) {
        const { capabilities } = message.result ?? {};
        if (capabilities !== undefined) capabilities.offlineModel = false;
        return [message];
      },
    }));
    const before = provider.asked.length;
    const chosen = requirements.filter(({ id }) => id === "TW-QUEUE-002");
    expect(await failuresOf(launch, chosen, { provider })).toEqual([]);
    expect(provider.asked.length).toBe(before + 2);
  });
});

describe("turnwire conformance", () => {
  const serve = () => [process.execPath, inject("serverScript"), "serve"];

  it("ends with how many passed and failed, and with 0 where none did", async () => {
    const { lines, code } = await conformance("--filter", "TRANSPORT-00[67]", "--", ...serve());
    expect([lines, code]).toEqual([
      [
        "ok      TW-TRANSPORT-006 (ndjson)",
        "ok      TW-TRANSPORT-007 (ndjson)",
        "2 passed, 0 failed",
      ],
      0,
    ]);
  });

  it("shows the sentence and the frames of what failed, and writes JUnit's XML", async () => {
    const junit = join(folder, "junit.xml");
    // It answers every line with the same.
    const echo = ["-e", 'process.stdin.on("data", () => console.log(\'{"id":1,"result":{}}\'))'];
    const { lines, code } = await conformance(
      ...["--filter", "TRANSPORT-007|TRANSPORT-001", "--junit", junit, "--patience", "1"],
      ...["--", process.execPath, ...echo],
    );
    const text = lines.join("\n");
    expect(code).toBe(1);
    expect(text).toContain("A request with `id: null` is answered with `id: null`.");
    expect(text).toContain('<-- {"id":1,"result":{}}');
    expect(lines.at(-1)).toBe("0 passed, 2 failed");
    expect(readFileSync(junit, "utf8")).toContain('tests="2" failures="2"');
  });

  it("tells of a command that cannot be started", async () => {
    const { lines, code } = await conformance(
      "--filter",
      "(NECT|MISS)ION-001",
      "--",
      join(folder, "none"),
    );
    expect(lines.at(-1)).toBe("0 passed, 2 failed");
    expect(lines.join("\n")).toContain("ENOENT");
    expect(code).toBe(1);
  });

  it("passes nothing of a server that says nothing", async () => {
    const { lines, code } = await conformance(
      "--framing",
      "both",
      "--",
      process.execPath,
      "-e",
      "",
    );
    expect(lines.filter((line) => line.startsWith("ok"))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^0 passed, [1-9]\d* failed$/);
    expect(code).toBe(1);
  });

  it("skips what is looked at in frames that never came", async () => {
    // It answers every request, and sends no event.
    const answers = `require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { id } = JSON.parse(line);
      if (id !== undefined) console.log(JSON.stringify({ jsonrpc: "2.0", id, result: {} }));
    })`;
    const { lines } = await conformance(
      ...["--filter", "EVENTS-001|SHAPE-003", "--patience", "0.3"],
      ...["--", process.execPath, "-e", answers],
    );
    expect(lines).toEqual([
      "skipped TW-EVENTS-001 (ndjson): no events came that could be looked at",
      "skipped TW-SHAPE-003 (ndjson): no completions came that could be looked at",
      "0 passed, 0 failed",
    ]);
  });

  it("gives the server its own configuration with the kit's provider in it", async () => {
    const own = join(folder, "own");
    mkdirSync(own);
    const text = JSON.stringify({ limits: { maxSteps: 7 }, providers: { mine: {} } });
    writeFileSync(join(own, "config.json"), text);
    writeFileSync(join(own, "AGENTS.md"), "Be brief.");
    const dirs = await writeConfigDirs(join(folder, "copied"), "http://127.0.0.1:1/v1", own);
    const config = (dir: string) => JSON.parse(readFileSync(join(dir, "config.json"), "utf8"));
    expect(config(dirs.offline)).toEqual(JSON.parse(text));
    const { limits, providers, models } = config(dirs.provider);
    expect([limits, Object.keys(providers)]).toEqual([{ maxSteps: 7 }, ["mine", "conformance"]]);
    expect(providers.conformance.baseUrl).toBe("http://127.0.0.1:1/v1");
    expect(models.large.provider).toBe("conformance");
    expect(readFileSync(join(dirs.provider, "AGENTS.md"), "utf8")).toBe("Be brief.");
    expect(readFileSync(join(own, "config.json"), "utf8")).toBe(text);
  });

  it("starts the first, the next and the second server each with its own command", async () => {
    const own = join(folder, "each");
    mkdirSync(own);
    writeFileSync(join(own, "AGENTS.md"), "Be brief.");
    const log = join(folder, "started");
    // It writes down as what it was started, and whether it has the configuration of its owner.
    const script = join(folder, "started.sh");
    writeFileSync(
      script,
      `test -e "$2/AGENTS.md" && echo "$1" >> "${log}"
exec "${process.execPath}" "${inject("serverScript")}" serve --data-dir "$3"\n`,
    );
    const command = (name: string) => ["/bin/sh", script, name, "{configDir}", "{dataDir}"];
    const { lines, code } = await conformance(
      ...["--filter", "DELIVERY-014|SHARED-003", "--config-dir", own],
      ...["--restart-command", command("restart").join(" ")],
      ...["--second-command", command("second").join(" ")],
      ...["--", ...command("first")],
    );
    expect([lines.at(-1), code]).toEqual(["2 passed, 0 failed", 0]);
    expect(new Set(readFileSync(log, "utf8").trim().split("\n"))).toEqual(
      new Set(["first", "restart", "second"]),
    );
  });

  it("skips what needs a second server where it was not told how to start one", async () => {
    const { lines } = await conformance("--filter", "SHARED-003", "--", ...serve());
    expect(lines[0]).toMatch(/^skipped TW-SHARED-003 \(ndjson\): .*--second-command/);
  });

  it("lists requirements, for a person and as JSON", async () => {
    const { lines } = await conformance("--list");
    expect(lines.map((line) => line.split("\t")[0])).toEqual(requirements.map(({ id }) => id));
    const json = await conformance("--list", "--json", "--filter", "QUEUE-001");
    expect(JSON.parse(json.lines.join(""))).toEqual([
      {
        id: "TW-QUEUE-001",
        section: 4,
        level: "MUST",
        group: "core",
        sentence: "A prompt for a busy session is queued.",
      },
    ]);
  });

  it.each([
    [["--filter", "(", "--", "x"], "is no regular expression"],
    [["--filter", "NOTHING", "--", "x"], "no requirement fits --filter"],
    [[], "no command after --"],
  ])("refuses %j", async (args, reason) => {
    const { code, stderr } = await conformance(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});
