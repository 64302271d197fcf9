// Resident memory of a fresh process after its start, after a hundred turns, and after one turn of
// ten thousand chunks.
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startServer,
} from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";

export const memory: Suite = { name: "memory", run };

const moments = [
  { what: "resident memory after `initialize`", limit: 30 },
  { what: "resident memory after 100 turns", limit: 50 },
  { what: "resident memory after a turn of 10,000 chunks", limit: 40 },
];
/** How long a server has to give memory back, in milliseconds. */
const restMs = 10_000;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const program = await buildProgram("floor");
  const floor: number[][] = [];
  const ours: number[][] = [];
  for (let round = 0; round < (context.isQuick ? 3 : 7); round++) {
    floor.push(await sizes(startFloor(program, provider), 0));
    // The wait is too long for the quick form.
    const server = startServer(makePlace(context.makeFolder(), provider));
    ours.push(await sizes(server, context.isQuick ? 0 : restMs));
  }
  await provider.end();
  const at = (samples: number[][], moment: number) =>
    median(samples.map((one) => one[moment] ?? Number.NaN));
  const rows = moments.map(
    ({ what, limit }, moment): Row => ({
      suite: "memory",
      what,
      unit: "MB",
      rule: { kind: "moreAtMost", limit },
      floor: at(floor, moment),
      ours: at(ours, moment),
    }),
  );
  if (!context.isQuick) {
    rows.push({
      suite: "memory",
      what: "resident memory 10 s after that turn (floor: before it)",
      unit: "MB",
      rule: { kind: "moreAtMost", limit: 20 },
      floor: at(ours, 1),
      ours: at(ours, moments.length),
    });
  }
  return { rows };
}

/** The sizes at the moments of the rows, and `waitMs` after the last of them. */
async function sizes(one: Contestant, waitMs: number): Promise<number[]> {
  await one.greet();
  // What the server begins to load once it has answered is part of it.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const found = [one.peer.residentMb()];
  const session = await one.session();
  for (let turn = 0; turn < 100; turn++) await session.turn("chunks 1 20");
  found.push(one.peer.residentMb());
  await session.turn("chunks 10000 20");
  found.push(one.peer.residentMb());
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  found.push(one.peer.residentMb());
  await one.end();
  return found;
}
