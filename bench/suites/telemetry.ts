// What it costs to tell a collector of every turn, and what is left of that while nobody is told.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { traced } from "../../src/base/telemetry.js";
import { type Contestant, makePlace, Provider, startServer } from "../contestants.js";
import {
  type BenchContext,
  type Findings,
  interleaved,
  median,
  type Row,
  type Suite,
} from "../measure.js";

export const telemetry: Suite = { name: "telemetry", run };

async function run(context: BenchContext): Promise<Findings> {
  const collector = createServer((request, response) => {
    request.resume().on("end", () => response.end("{}"));
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  const provider = await Provider.start();
  const off = startServer(makePlace(context.makeFolder(), provider));
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
  const on = startServer(makePlace(context.makeFolder(), provider), { env });
  for (const one of [off, on]) await one.greet();
  const rows: Row[] = [await whileOff(context)];
  for (const chunks of [1, 1_000]) {
    const turn = (one: Contestant) => async () => {
      const session = await one.session();
      const { ms } = await session.turn(`chunks ${chunks} 20`);
      const [own = 0] = await provider.takeTimes();
      return ms - own;
    };
    await interleaved(chunks === 1 ? 20 : 2, turn(off), turn(on));
    const ms = await interleaved(context.isQuick ? 20 : 60, turn(off), turn(on));
    rows.push({
      suite: "telemetry",
      what: `a turn of ${chunks.toLocaleString("en")} chunk${chunks === 1 ? "" : "s"}, with a collector`,
      unit: "ms",
      ours: median(ms.ours),
      floor: median(ms.floor),
      rule: { kind: "ratioAtMost", limit: 1.5 },
      note: "floor: the same server without one",
    });
  }
  await Promise.all([off.end(), on.end()]);
  await provider.end();
  collector.closeAllConnections();
  collector.close();
  return { rows };
}

/** What stands around each run, model call, tool and delivery while telemetry is off. */
async function whileOff({ isQuick }: BenchContext): Promise<Row> {
  const calls = isQuick ? 20_000 : 200_000;
  const result = { state: "completed", output: "" } as const;
  const work = () => Promise.resolve(result);
  const begun = () => ({ name: "read", toolCallId: "c1", input: {} });
  const watched = () => traced("tool", begun, work, (ended) => ended);
  const microseconds = (call: () => Promise<unknown>) => async () => {
    const began = performance.now();
    for (let count = 0; count < calls; count++) await call();
    return ((performance.now() - began) * 1000) / calls;
  };
  const measured = [microseconds(work), microseconds(watched)] as const;
  // The first rounds are the compiler's.
  await interleaved(3, ...measured);
  const samples = await interleaved(9, ...measured);
  return {
    suite: "telemetry",
    what: "a call of a tool, while telemetry is off",
    unit: "µs",
    ours: median(samples.ours),
    floor: median(samples.floor),
    rule: { kind: "moreAtMost", limit: 0.5 },
    note: "floor: the same call with nothing around it",
  };
}
