// What a turn writes to the disk, as the kernel counts it (`/proc/PID/io`, so on Linux alone): for a
// turn of one chunk, and for a chunk of an answer that streams for long. What went to the client is
// taken off.
import { readFileSync } from "node:fs";
import { makePlace, Provider, type Server, startServer } from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";

export const disk: Suite = { name: "disk", run };

const suite = "disk";

async function run(context: BenchContext): Promise<Findings> {
  if (process.platform !== "linux") {
    context.say("  the bytes that a process writes are known on Linux alone: left out");
    return { rows: [] };
  }
  const provider = await Provider.start();
  // The compiled code that is stored for the next start has nothing to do with a turn.
  const env = { NODE_DISABLE_COMPILE_CACHE: "1" };
  const server = startServer(makePlace(context.makeFolder(), provider), { env });
  await server.greet();
  const written = async (chunks: number, pace: string) => {
    const session = await server.session();
    const before = counted(server);
    await session.turn(`chunks ${chunks} 20${pace}`);
    return counted(server) - before;
  };
  // The first turn is a session's and a workspace's first as well.
  await written(1, "");
  const samples: number[] = [];
  for (let turn = 0; turn < (context.isQuick ? 10 : 100); turn++)
    samples.push(await written(1, ""));
  const turn = median(samples);
  const [short, long] = context.isQuick ? [250, 1_000] : [2_000, 20_000];
  const ofChunk = async (chunks: number) => ((await written(chunks, " 1")) - turn) / chunks;
  const floor = await ofChunk(short);
  const ours = await ofChunk(long);
  await server.end();
  await provider.end();
  const count = (chunks: number) => chunks.toLocaleString("en");
  const rows: Row[] = [
    {
      suite,
      what: "bytes written to the disk by a turn of one chunk",
      unit: "B",
      ours: turn,
      rule: { kind: "told" },
    },
    {
      suite,
      what: "bytes written to the disk for a chunk, one a millisecond",
      unit: "B",
      note: `of ${count(long)}; floor: of ${count(short)}`,
      ours,
      floor,
      rule: { kind: "ratioAtMost", limit: 1.5 },
    },
  ];
  return { rows };
}

/** All that the process has handed to the kernel, without what went to the client. */
function counted({ peer }: Server): number {
  const io = readFileSync(`/proc/${peer.pid}/io`, "utf8");
  return Number(/wchar: (\d+)/.exec(io)?.[1]) - peer.bytes;
}
