// What a turn costs beside the model's own time, by the number of chunks that the model sends at
// once; every byte of the text is compared. And `ping`, which costs what a request costs.
import { join } from "node:path";
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startLeast,
  startServer,
} from "../contestants.js";
import {
  type BenchContext,
  type Findings,
  interleaved,
  median,
  percentile,
  type Row,
  type Suite,
} from "../measure.js";
import { textOf } from "../programs/chunks.js";

export const turns: Suite = { name: "turns", run };

const suite = "turns";

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const floor = startFloor(await buildProgram("floor"), provider);
  const server = startServer(makePlace(context.makeFolder(), provider));
  for (const one of [floor, server]) await one.greet();
  const rows: Row[] = [...(await pings(context, floor, server))];
  for (const floor of await keepers(context, provider)) {
    rows.push(await keeperRow(context, { server, provider, ...floor }));
  }
  const sizes = [
    { chunks: 1, limit: 2, rounds: context.isQuick ? 40 : 100 },
    { chunks: 10, rounds: context.isQuick ? 15 : 30 },
    { chunks: 100, rounds: context.isQuick ? 15 : 30 },
    { chunks: 1_000, limit: 2.5, rounds: context.isQuick ? 30 : 50 },
    { chunks: 10_000, limit: 2.5, rounds: context.isQuick ? 11 : 30 },
  ];
  const points: { floor: [number, number][]; ours: [number, number][] } = { floor: [], ours: [] };
  for (const { chunks, limit, rounds } of sizes) {
    const measure = (one: Contestant) => () => netTurn(one, chunks, provider);
    // A few turns that do not count: both compile what they run often.
    const warmUp = chunks === 1 ? 20 : 2;
    await interleaved(warmUp, measure(floor), measure(server));
    const ms = await interleaved(rounds, measure(floor), measure(server));
    const figures = { floor: median(ms.floor), ours: median(ms.ours) };
    points.floor.push([chunks, figures.floor]);
    points.ours.push([chunks, figures.ours]);
    if (limit === undefined) continue;
    const what = `a turn of ${chunks.toLocaleString("en")} chunk${chunks === 1 ? "" : "s"}`;
    rows.push({ suite, what, unit: "ms", ...figures, rule: { kind: "ratioAtMost", limit } });
  }
  await Promise.all([floor.end(), server.end()]);
  await provider.end();
  return {
    rows,
    plots: [
      {
        file: "chunks.svg",
        title: "A turn, net of the provider",
        xLabel: "chunks",
        yLabel: "ms",
        series: [
          { name: "floor", points: points.floor },
          { name: "Turnwire", points: points.ours },
        ],
      },
    ],
  };
}

interface Keeper {
  /** What it does. */
  readonly does: string;
  readonly keeper: Contestant;
}

/**
 * Programs that keep turns: with two bare durable commits a turn, alone and with the provider's package, and
 * with all that the protocol promises of a turn. Less is impossible for a server that does the same.
 */
async function keepers(context: BenchContext, provider: Provider): Promise<Keeper[]> {
  const [floor, least] = [await buildProgram("floor"), await buildProgram("leastServer")];
  const file = () => join(context.makeFolder(), "floor.db");
  const bare = { file: file() };
  return [
    { does: "with two bare durable commits", keeper: startFloor(floor, provider, bare) },
    {
      does: "with the provider's package and two bare durable commits",
      keeper: startFloor(floor, provider, { file: file(), isPackaged: true }),
    },
    {
      does: "the least that keeps what the protocol promises",
      keeper: startLeast(least, provider, file()),
    },
  ];
}

async function keeperRow(
  context: BenchContext,
  { server, provider, does, keeper }: Keeper & { server: Contestant; provider: Provider },
): Promise<Row> {
  await keeper.greet();
  const measure = (one: Contestant) => () => netTurn(one, 1, provider);
  await interleaved(20, measure(keeper), measure(server));
  const ms = await interleaved(context.isQuick ? 40 : 100, measure(keeper), measure(server));
  await keeper.end();
  return {
    suite,
    what: `a turn of 1 chunk (floor: ${does})`,
    unit: "ms",
    floor: median(ms.floor),
    ours: median(ms.ours),
    rule: { kind: "told" },
  };
}

/** The first turn of a new session: what a long history costs is measured elsewhere. */
async function netTurn(one: Contestant, chunks: number, provider: Provider): Promise<number> {
  const session = await one.session();
  const { ms, text } = await session.turn(`chunks ${chunks} 20`);
  if (text !== textOf(chunks, 20)) throw new Error(`the text of ${chunks} chunks is not exact`);
  const [own = 0] = await provider.takeTimes();
  return ms - own;
}

async function pings(context: BenchContext, floor: Contestant, server: Contestant): Promise<Row[]> {
  const samples: { floor: number[]; ours: number[] } = { floor: [], ours: [] };
  const count = context.isQuick ? 2_000 : 10_000;
  const ping = async ({ peer }: Contestant) => {
    const begun = performance.now();
    await peer.request("ping", {});
    return (performance.now() - begun) * 1000;
  };
  // V8 compiles what they run during the first thousands. With fewer, the p99 tells whether a little more or
  // a little less than one ping in a hundred met that: the floor beside itself was 0.2 to 3 times as slow.
  await interleaved(
    context.isQuick ? 1_000 : 5_000,
    () => ping(floor),
    () => ping(server),
  );
  for (let round = 0; round < 10; round++) {
    for (let n = 0; n < count / 10; n++) samples.floor.push(await ping(floor));
    for (let n = 0; n < count / 10; n++) samples.ours.push(await ping(server));
  }
  return [50, 99].map((p) => ({
    suite,
    what: `\`ping\` round trip, p${p}`,
    unit: "µs" as const,
    floor: percentile(samples.floor, p),
    ours: percentile(samples.ours, p),
    rule: { kind: "ratioAtMost", limit: 1.5 } as const,
  }));
}
