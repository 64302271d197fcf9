// How long a client waits for a new process: for the answer to `initialize`, and for the completion
// of its first prompt, with a data directory that was used before.
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startServer,
} from "../contestants.js";
import { type BenchContext, type Findings, interleaved, median, type Suite } from "../measure.js";

export const start: Suite = { name: "start", run };

async function run(context: BenchContext): Promise<Findings> {
  const rounds = context.isQuick ? 9 : 25;
  const provider = await Provider.start();
  const program = await buildProgram("floor");
  const place = makePlace(context.makeFolder(), provider);
  const floor = () => startFloor(program, provider);
  const server = () => startServer(place);
  // The first start makes the data directory, and fills the compile cache of both.
  for (const one of [floor, server]) await firstTurn(one, provider);
  const hello = await interleaved(
    rounds,
    () => greeting(floor),
    () => greeting(server),
  );
  const first = await interleaved(
    rounds,
    () => firstTurn(floor, provider),
    () => firstTurn(server, provider),
  );
  await provider.end();
  const suite = "start";
  return {
    rows: [
      {
        suite,
        what: "spawn → `initialize` answered",
        unit: "ms" as const,
        floor: median(hello.floor),
        ours: median(hello.ours),
        rule: { kind: "ratioAtMost", limit: 1.3 },
      },
      {
        suite,
        what: "spawn → first completion received",
        unit: "ms" as const,
        floor: median(first.floor),
        ours: median(first.ours),
        rule: { kind: "ratioAtMost", limit: 2 },
      },
    ],
  };
}

async function greeting(begin: () => Contestant): Promise<number> {
  const begun = performance.now();
  const one = begin();
  await one.greet();
  const ms = performance.now() - begun;
  await one.end();
  return ms;
}

async function firstTurn(begin: () => Contestant, provider: Provider): Promise<number> {
  const begun = performance.now();
  const one = begin();
  await one.greet();
  const session = await one.session();
  await session.turn("chunks 1 20");
  const ms = performance.now() - begun;
  const [own = 0] = await provider.takeTimes();
  await one.end();
  return ms - own;
}
