// `npm run bench [-- NAME...] [--quick] [--check]`: measures, prints a table, writes bench/results/.
//
// Each figure stands beside the floor's, which was measured in the same run on the same machine.
// With `--check` the exit code is 1 where a row is beyond twice its target, and is so again when its
// suite is measured once more: a neighbour may have had the machine the first time.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type Findings, judge, type Plot, type Row, type Suite } from "./measure.js";
import { drawPlot } from "./plot.js";
import { renderTable } from "./table.js";

const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  start: async () => (await import("./suites/start.js")).start,
  firstText: async () => (await import("./suites/firstText.js")).firstText,
  sideBySide: async () => (await import("./suites/sideBySide.js")).sideBySide,
  turns: async () => (await import("./suites/turns.js")).turns,
  coldTurns: async () => (await import("./suites/coldTurns.js")).coldTurns,
  command: async () => (await import("./suites/command.js")).command,
  disk: async () => (await import("./suites/disk.js")).disk,
  cache: async () => (await import("./suites/cache.js")).cache,
  stream: async () => (await import("./suites/stream.js")).stream,
  traffic: async () => (await import("./suites/traffic.js")).traffic,
  sessions: async () => (await import("./suites/sessions.js")).sessions,
  memory: async () => (await import("./suites/memory.js")).memory,
  rest: async () => (await import("./suites/rest.js")).rest,
  stored: async () => (await import("./suites/stored.js")).stored,
  forgotten: async () => (await import("./suites/forgotten.js")).forgotten,
  queue: async () => (await import("./suites/queue.js")).queue,
  delivery: async () => (await import("./suites/delivery.js")).delivery,
  ends: async () => (await import("./suites/ends.js")).ends,
  daemon: async () => (await import("./suites/daemon.js")).daemon,
  relay: async () => (await import("./suites/relay.js")).relay,
  inspector: async () => (await import("./suites/inspector.js")).inspector,
  telemetry: async () => (await import("./suites/telemetry.js")).telemetry,
  hold: async () => (await import("./suites/hold.js")).hold,
};

/** These take long beside what they tell, so the quick form has them only where they are named. */
const leftOutOfQuick = new Set(["rest", "forgotten", "relay", "inspector", "telemetry"]);

const usage = `npm run bench [-- NAME...] [--quick] [--check]
  NAME      a suite; all of them unless one is named: ${Object.keys(suites).join(", ")}
  --quick   fewer rounds; without a name it leaves out ${[...leftOutOfQuick].join(", ")}
  --check   exit code 1 where a row is beyond twice its target, twice in a row
  --help    this text`;

const argv = process.argv.slice(2);
const isQuick = argv.includes("--quick");
const isChecked = argv.includes("--check");
const chosen = argv.filter((argument) => !argument.startsWith("--"));
if (argv.includes("--help")) {
  console.log(usage);
  process.exit(0);
}
const unknown = argv.find((one) =>
  one.startsWith("--") ? !["--quick", "--check"].includes(one) : !(one in suites),
);
if (unknown !== undefined) {
  console.error(`There is no "${unknown}" to measure.\n${usage}`);
  process.exit(2);
}

const folders: string[] = [];
const context = {
  isQuick,
  makeFolder() {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-bench-"));
    folders.push(folder);
    return folder;
  },
  say: (line: string) => process.stderr.write(`${line}\n`),
};

const isBeyondTwice = (row: Row) => judge(row) === "beyond twice";

async function measure(name: string, load: () => Promise<Suite>): Promise<Findings> {
  context.say(`measuring ${name}`);
  const suite = await load();
  const found = await suite.run(context);
  if (!isChecked || !found.rows.some(isBeyondTwice)) return found;
  context.say(`measuring ${name} once more`);
  return suite.run(context);
}

const begun = performance.now();
const rows: Row[] = [];
const plots: Plot[] = [];
try {
  for (const [name, load] of Object.entries(suites)) {
    if (chosen.length > 0 ? !chosen.includes(name) : isQuick && leftOutOfQuick.has(name)) continue;
    const found = await measure(name, load);
    rows.push(...found.rows);
    plots.push(...(found.plots ?? []));
  }
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

const machine = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: `${cpus()[0]?.model ?? "unknown"} × ${cpus().length}`,
  memoryGb: Math.round(totalmem() / 2 ** 30),
};
const verdicts = rows.map((row) => ({ ...row, verdict: judge(row) }));
const seconds = Math.round((performance.now() - begun) / 1000);
process.stdout.write(`${renderTable(verdicts)}\n${JSON.stringify(machine)}, ${seconds} s\n`);

const name = [...(chosen.length > 0 ? chosen : ["all"]), ...(isQuick ? ["quick"] : [])].join("-");
mkdirSync("bench/results/plots", { recursive: true });
const report = { measuredAt: new Date().toISOString(), isQuick, machine, rows: verdicts, plots };
writeFileSync(`bench/results/${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
for (const plot of plots) writeFileSync(`bench/results/plots/${plot.file}`, drawPlot(plot));
process.exitCode = isChecked && rows.some(isBeyondTwice) ? 1 : 0;
