// Changes the source in one place after the other, and tells of which change no test takes notice:
// `node scripts/mutate.mjs --count 60 --seed 1`. What survives is either no change in meaning or a
// promise that no test holds. It works on a copy, and takes a minute or so a place.
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { changed, placesIn } from "./mutate/places.mjs";
import { stagesFor } from "./mutate/relatedTests.mjs";

const { values: options } = parseArgs({
  options: {
    /** How many places. */
    count: { type: "string", default: "60" },
    /** The same seed and the same sources give the same places. */
    seed: { type: "string", default: "1" },
    /** The place to begin with, for whoever runs the sample in parts. */
    from: { type: "string", default: "0" },
    rooms: {
      type: "string",
      default: "coordinator,events,storage,permissions,tools,transport,client,agent",
    },
    /** The longest that the tests of one stage may take. */
    "limit-s": { type: "string", default: "240" },
    /** Passed on to vitest, for a slow machine. */
    "test-timeout-ms": { type: "string", default: "30000" },
    /** Only names the places. */
    list: { type: "boolean", default: false },
  },
});

const root = fileURLToPath(new URL("..", import.meta.url));
const kept = ["src", "test", "scripts", "bin", "docs", "examples", "bench"];

/** The stages that have passed without a change. */
const sure = new Set();

const sample = sampleOf(options.rooms.split(","), Number(options.seed));
const from = Number(options.from);
const chosen = sample.slice(from, from + Number(options.count));
if (options.list) for (const [index, place] of chosen.entries()) tell(from + index, "", place);
else await tryAll(chosen);

async function tryAll(places) {
  const copy = copyOfProject();
  const outcomes = { killed: 0, survived: 0 };
  try {
    for (const [index, place] of places.entries()) {
      const killer = await killerOf(copy, place);
      outcomes[killer === undefined ? "survived" : "killed"]++;
      tell(from + index, killer === undefined ? "SURVIVED" : `killed by ${killer}`, place);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${outcomes.killed} killed, ${outcomes.survived} survived`);
}

/** What took notice of a change; undefined where nothing did. */
async function killerOf(copy, place) {
  const path = join(copy, place.source);
  for (const stage of stagesFor(copy, place.source)) {
    writeFileSync(path, changed(place.text, place.change));
    const killer = await failureOf(copy, stage);
    writeFileSync(path, place.text);
    if (killer === undefined) continue;
    await makeSureOf(copy, stage);
    return killer;
  }
  return undefined;
}

/** A test that fails without a change, too, tells nothing. */
async function makeSureOf(copy, stage) {
  const name = stage.join(" ");
  if (sure.has(name)) return;
  const failure = await failureOf(copy, stage);
  if (failure !== undefined) throw new Error(`this fails without any change: ${failure}`);
  sure.add(name);
}

/** The first test that fails; undefined where all pass. */
async function failureOf(copy, tests) {
  const args = ["node_modules/vitest/vitest.mjs", "run", "--bail=1", "--reporter=dot", ...tests];
  for (const name of ["testTimeout", "hookTimeout"]) {
    args.push(`--${name}=${options["test-timeout-ms"]}`);
  }
  const child = spawn(process.execPath, args, {
    cwd: copy,
    detached: true,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // With all that the tests have begun.
    process.kill(-child.pid, "SIGKILL");
  }, Number(options["limit-s"]) * 1000);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  if (isLate) return `the time limit, in ${tests.join(" ")}`;
  if (code === 0) return undefined;
  return /^ *FAIL +(.*)$/m.exec(text)?.[1] ?? `no test, but: ${text.trim().slice(-300)}`;
}

/** The places of the sample: first the rooms are drawn, then a file, then a place of it. */
function sampleOf(rooms, seed) {
  const random = randomOf(seed);
  const pick = (list) => list.splice(Math.floor(random() * list.length), 1)[0];
  const files = new Map(rooms.map((room) => [room, sourcesOf(room)]));
  const found = [];
  for (let open = rooms.slice(); open.length > 0; ) {
    const round = open.slice();
    while (round.length > 0) {
      const room = pick(round);
      const sources = files.get(room) ?? [];
      if (sources.length === 0) open = open.filter((other) => other !== room);
      else found.push(...onePlaceOf(pick(sources), pick));
    }
  }
  return found;
}

function onePlaceOf(source, pick) {
  const text = readFileSync(join(root, source), "utf8");
  const byOperator = new Map();
  for (const place of placesIn(text)) {
    const list = byOperator.get(place.operator) ?? [];
    byOperator.set(place.operator, [...list, place]);
  }
  const change = byOperator.size === 0 ? undefined : pick(pick([...byOperator.values()]));
  return change === undefined ? [] : [{ source, text, change }];
}

function sourcesOf(room) {
  return readdirSync(join(root, "src", room), { recursive: true, encoding: "utf8" })
    .map((path) => `src/${room}/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .sort();
}

/** A folder that the tests run in as they do here. */
function copyOfProject() {
  const copy = mkdtempSync(join(tmpdir(), "turnwire-mutate-"));
  for (const name of readdirSync(root, { withFileTypes: true })) {
    if ((name.isFile() && name.name !== ".git") || kept.includes(name.name)) {
      cpSync(join(root, name.name), join(copy, name.name), { recursive: true });
    }
  }
  // A folder of its own around the same packages: the tests build into it.
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    const from = join(root, "node_modules", name);
    if (name !== ".cache") symlinkSync(from, join(copy, "node_modules", name), "junction");
  }
  return copy;
}

function tell(index, outcome, { source, text, change }) {
  const line = text.slice(0, change.start).split("\n").length;
  const before = text.slice(change.start, change.end);
  const clip = (part) => (part.length > 400 ? `${part.slice(0, 400)} …` : part);
  console.log(`#${index} ${source}:${line} ${change.operator}${outcome && `: ${outcome}`}`);
  console.log(`- ${clip(before)}\n+ ${clip(change.text)}\n`);
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
