// Drives other people's agents as engines, against a model on this machine: `npm run test:engines`. They are
// installed into a scratch folder (about 1.5 GB), which is removed. `-- --keep FOLDER` names a folder that
// stays and is used again; `-- --write` writes the results into docs/engines.md.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const given = process.argv.slice(2);
const kept = given.includes("--keep") ? given[given.indexOf("--keep") + 1] : undefined;
const folder = kept ?? mkdtempSync(join(tmpdir(), "turnwire-engines-"));
const packages = [
  "@agentclientprotocol/claude-agent-acp",
  "@agentclientprotocol/codex-acp",
  "@google/gemini-cli",
  "opencode-ai",
  "@github/copilot",
];

// Ctrl-C ends the programs below at once; the folder is removed all the same.
process.on("SIGINT", () => {});
try {
  if (!existsSync(join(folder, "node_modules"))) install();
  const results = join(folder, "results.jsonl");
  const report = join(folder, "report.json");
  rmSync(results, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, [vitest, "run", "test/acpEngine", ...reporters], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      TURNWIRE_ENGINES: join(folder, "node_modules"),
      TURNWIRE_ENGINES_RESULTS: results,
    },
  });
  const table = tableOf(readLines(results), JSON.parse(readFileSync(report, "utf8")));
  console.log(table);
  if (given.includes("--write")) write(table);
  process.exitCode = status ?? 1;
} finally {
  if (kept === undefined) rmSync(folder, { recursive: true, force: true });
}

function install() {
  writeFileSync(join(folder, "package.json"), "{}");
  // Exactly the newest ones: npm would take an older one for a Node that the newest does not name.
  const latest = packages.map((name) => `${name}@latest`);
  // No script of a package is run, whatever npm does by default: one would need a compiler.
  const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder];
  execFileSync("npm", ["install", ...options, ...latest], { stdio: "inherit" });
  // The program that it fetches is a package too; its script only puts it in its place.
  const script = join(folder, "node_modules/opencode-ai/postinstall.mjs");
  execFileSync(process.execPath, [script], { stdio: "inherit", cwd: join(script, "..") });
}

/** What was noted; nothing where not even the first agent came so far. */
function readLines(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** One line for each agent; each step has the milliseconds that it took. */
function tableOf(lines, { testResults }) {
  const failed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "failed").map(({ fullName }) => fullName),
  );
  const agents = [...new Set(lines.map(({ agent }) => agent))];
  const rows = agents.map((agent) => {
    const of = (step) => lines.find((line) => line.agent === agent && line.step === step);
    const wrong = failed.filter((name) => name.includes(`'${agent}'`)).length;
    const cell = (step) => (of(step) === undefined ? "not reached" : `${of(step).milliseconds} ms`);
    const isNew = JSON.stringify(of("load")?.ended ?? {}).includes("a new one began");
    const loaded = `${cell("load")}${isNew ? ", in a new session" : ""}`;
    return [
      agent,
      lines.find((line) => line.agent === agent).version,
      ...["text", "tool", "deny", "cancel", "crash"].map(cell),
      loaded,
      ...["close", "kill"].map(cell),
      wrong === 0 ? "all" : `all but ${wrong}`,
    ];
  });
  const head = [
    "agent",
    "version",
    "first answer",
    "command, allowed",
    "command, denied",
    "cancel",
    "killed agent told",
    "next prompt",
    "server ended",
    "killed server: nothing left",
    "passed",
  ];
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function write(table) {
  const file = join(root, "docs/engines.md");
  const text = readFileSync(file, "utf8");
  const [begin, end] = ["<!-- engines:begin -->", "<!-- engines:end -->"];
  const before = text.slice(0, text.indexOf(begin) + begin.length);
  const day = new Date().toISOString().slice(0, 10);
  const node = `Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const told = `Run on ${day} with ${node}:\n\n${table}`;
  writeFileSync(file, `${before}\n${told}\n${text.slice(text.indexOf(end))}`);
}
