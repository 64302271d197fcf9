// When the first text of a long answer is seen, where the provider sends all of it at once: cold, in
// the first turns after a start, and hot, after as many turns as it takes to compile what runs.
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  startFloor,
  startServer,
} from "../contestants.js";
import { type BenchContext, type Findings, interleaved, median, type Suite } from "../measure.js";

export const firstText: Suite = { name: "firstText", run };

const prompt = "chunks 1000 20";

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const program = await buildProgram("floor");
  const cold = { floor: [] as number[], ours: [] as number[] };
  const hot = { floor: [] as number[], ours: [] as number[] };
  for (let process = 0; process < (context.isQuick ? 3 : 6); process++) {
    const floor = startFloor(program, provider);
    const server = startServer(makePlace(context.makeFolder(), provider));
    for (const one of [floor, server]) await one.greet();
    const measure = (one: Contestant) => async () => (await one.session()).firstText(prompt);
    // The very first turn loads what a session of windows loads once.
    await interleaved(1, measure(floor), measure(server));
    const first = await interleaved(10, measure(floor), measure(server));
    cold.floor.push(...first.floor);
    cold.ours.push(...first.ours);
    await interleaved(context.isQuick ? 20 : 40, measure(floor), measure(server));
    const later = await interleaved(20, measure(floor), measure(server));
    hot.floor.push(...later.floor);
    hot.ours.push(...later.ours);
    await Promise.all([floor.end(), server.end()]);
  }
  await provider.end();
  const row = (what: string, ms: typeof cold) => ({
    suite: "firstText",
    what: `first text of 1,000 chunks that come at once, ${what}`,
    unit: "ms" as const,
    floor: median(ms.floor),
    ours: median(ms.ours),
    rule: { kind: "ratioAtMost" as const, limit: 1.5 },
  });
  return { rows: [row("turns 2 to 11", cold), row("hot", hot)] };
}
