// What a turn of one chunk costs in a process that has just been started: turns 2 to 31. Wrappers start
// thousands of processes, and most of these see a handful of turns.
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startServer,
} from "../contestants.js";
import { type BenchContext, type Findings, interleaved, median, type Suite } from "../measure.js";

export const coldTurns: Suite = { name: "coldTurns", run };

const turns = 30;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const program = await buildProgram("floor");
  const ms = { floor: [] as number[], ours: [] as number[] };
  for (let process = 0; process < (context.isQuick ? 2 : 8); process++) {
    const floor = startFloor(program, provider);
    const server = startServer(makePlace(context.makeFolder(), provider));
    for (const one of [floor, server]) await one.greet();
    const measure = (one: Contestant) => async () => {
      const session = await one.session();
      const turn = await session.turn("chunks 1 20");
      const [own = 0] = await provider.takeTimes();
      return turn.ms - own;
    };
    // The very first turn loads what a process loads once: the suite `start` has it.
    await interleaved(1, measure(floor), measure(server));
    const found = await interleaved(turns, measure(floor), measure(server));
    ms.floor.push(...found.floor);
    ms.ours.push(...found.ours);
    await Promise.all([floor.end(), server.end()]);
  }
  await provider.end();
  return {
    rows: [
      {
        suite: "coldTurns",
        what: "a turn of 1 chunk, turns 2 to 31 after the start",
        unit: "ms",
        floor: median(ms.floor),
        ours: median(ms.ours),
        rule: { kind: "ratioAtMost", limit: 3 },
      },
    ],
  };
}
