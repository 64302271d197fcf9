// Twenty sessions at once, each with one-chunk turns one after the other: turns a second, whether
// any waits too long, and how long the event loop is held up. Then a single session that is long.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BenchSession,
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startLeast,
  startServer,
} from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";
import { longSession } from "./longSession.js";

export const sessions: Suite = { name: "sessions", run };

const suite = "sessions";
const atOnce = 20;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const folder = context.makeFolder();
  const probe = await buildProgram("loopDelay");
  const delayFile = join(folder, "delay.json");
  const floor = startFloor(await buildProgram("floor"), provider);
  const server = startServer(makePlace(folder, provider));
  for (const one of [floor, server]) await one.greet();
  const counts = context.isQuick ? [1, 5, 20] : [1, 2, 5, 10, 20, 40];
  const turns = context.isQuick ? 10 : 40;
  const points: { floor: [number, number][]; ours: [number, number][] } = { floor: [], ours: [] };
  const rows: Row[] = [];
  for (const count of counts) {
    const [ours, base] = await throughputs([server, floor], count, turns);
    points.floor.push([count, base.perSecond]);
    points.ours.push([count, ours.perSecond]);
    if (count !== atOnce) continue;
    rows.push(
      {
        suite,
        what: `${atOnce} sessions at once, turns a second`,
        unit: "/s" as const,
        floor: base.perSecond,
        ours: ours.perSecond,
        rule: { kind: "ratioAtLeast", limit: 0.25 },
      },
      {
        suite,
        what: "the slowest turn of them, in medians",
        unit: "×" as const,
        ours: ours.slowest,
        rule: { kind: "atMost", limit: 5 },
      },
    );
  }
  rows.push(...(await keeperRows(context, { server, provider, turns })));
  await Promise.all([floor.end(), server.end()]);
  const watched = startServer(makePlace(context.makeFolder(), provider), {
    nodeArgs: ["--import", `./${probe}`],
    env: { BENCH_DELAY_FILE: delayFile },
  });
  await watched.greet();
  const alone = await opened(watched, atOnce);
  await alone.work(turns);
  await watched.end();
  rows.push(...(await longSession(context, provider)));
  await provider.end();
  const delay: { p99: number } = JSON.parse(readFileSync(delayFile, "utf8"));
  rows.push({
    suite,
    what: `event-loop delay under ${atOnce} sessions, p99`,
    unit: "ms" as const,
    ours: delay.p99,
    // The quick form has too few turns for a percentile that something can be held to.
    rule: context.isQuick ? { kind: "told" } : { kind: "atMost", limit: 6 },
  });
  return {
    rows,
    plots: [
      {
        file: "sessions.svg",
        title: "One-chunk turns a second",
        xLabel: "sessions at once",
        yLabel: "turns a second",
        series: [
          { name: "floor", points: points.floor },
          { name: "Turnwire", points: points.ours },
        ],
      },
    ],
  };
}

/**
 * Beside programs that keep turns. The floor with the provider's package and two bare durable commits a turn
 * makes each by itself, so it waits more often for the disk; the least that keeps what the protocol promises
 * shares them.
 */
async function keeperRows(
  context: BenchContext,
  { server, provider, turns }: { server: Contestant; provider: Provider; turns: number },
): Promise<Row[]> {
  const [floor, least] = [await buildProgram("floor"), await buildProgram("leastServer")];
  const file = () => join(context.makeFolder(), "floor.db");
  const keepers = {
    "with the provider's package and two bare durable commits": () =>
      startFloor(floor, provider, { file: file(), isPackaged: true }),
    "the least that keeps what the protocol promises": () => startLeast(least, provider, file()),
  };
  const rows: Row[] = [];
  for (const [does, start] of Object.entries(keepers)) {
    const keeper = start();
    await keeper.greet();
    const [ours, base] = await throughputs([server, keeper], atOnce, turns);
    await keeper.end();
    rows.push({
      suite,
      what: `${atOnce} sessions at once, turns a second (floor: ${does})`,
      unit: "/s",
      floor: base.perSecond,
      ours: ours.perSecond,
      rule: { kind: "told" },
    });
  }
  return rows;
}

/** Each works in several short times, so that what disturbs one disturbs the other. */
const times = 5;

/** What each of two makes with so many sessions at once, in as many turns of each session. */
async function throughputs(
  [first, second]: readonly [Contestant, Contestant],
  count: number,
  turns: number,
): Promise<[Throughput, Throughput]> {
  const both = [await opened(first, count), await opened(second, count)] as const;
  for (let time = 0; time < times; time++) {
    for (const one of time % 2 === 0 ? both : both.toReversed()) await one.work(turns / times);
  }
  return [both[0].throughput(), both[1].throughput()];
}

interface Throughput {
  readonly perSecond: number;
  /** The slowest turn, in medians. */
  readonly slowest: number;
}

/** So many sessions of one of them, each of which has had a few turns. */
async function opened(one: Contestant, count: number) {
  const open: BenchSession[] = [];
  for (let index = 0; index < count; index++) open.push(await one.session());
  const waits: number[] = [];
  let seconds = 0;
  const work = async (turns: number) => {
    const ofSession = async (session: BenchSession) => {
      for (let turn = 0; turn < turns; turn++) waits.push((await session.turn("chunks 1 20")).ms);
    };
    const begun = performance.now();
    await Promise.all(open.map(ofSession));
    seconds += (performance.now() - begun) / 1000;
  };
  await work(3);
  waits.length = 0;
  seconds = 0;
  return {
    work,
    throughput: (): Throughput => ({
      perSecond: waits.length / seconds,
      slowest: Math.max(...waits) / median(waits),
    }),
  };
}
