// What a turn with one shell command costs beside the command itself, and what the memory is after a
// command that printed 50 MB.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { makePlace, Provider, Server } from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";

export const command: Suite = { name: "command", run };

const suite = "command";
const shell = promisify(execFile);
/** How long a server has to give memory back, in milliseconds. */
const restMs = 10_000;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const permissions = { allow: ["bash:*"] };
  const server = new Server(makePlace(context.makeFolder(), provider, { permissions }), {});
  await server.greet();
  const turn = async (line: string) => {
    const { ms } = await (await server.session()).turn(`command ${line}`);
    const own = await provider.takeTimes();
    return own.reduce((rest, time) => rest - time, ms);
  };
  const alone = async () => {
    const begun = performance.now();
    await shell("bash", ["-c", "true"]);
    return performance.now() - begun;
  };
  const ms = { floor: [] as number[], ours: [] as number[] };
  for (let round = -3; round < (context.isQuick ? 15 : 50); round++) {
    const [floor, ours] = [await alone(), await turn("true")];
    if (round < 0) continue;
    ms.floor.push(floor);
    ms.ours.push(ours);
  }
  const rows: Row[] = [
    {
      suite,
      what: "a turn with one shell command (floor: the command alone)",
      unit: "ms",
      floor: median(ms.floor),
      ours: median(ms.ours),
      // The quick form shares its processors with what it measures.
      rule: context.isQuick ? { kind: "told" } : { kind: "moreAtMost", limit: 8 },
    },
  ];
  // The wait is too long for the quick form.
  if (!context.isQuick) rows.push(await memoryRow(server, turn));
  await server.end();
  await provider.end();
  return { rows };
}

async function memoryRow(server: Server, turn: (line: string) => Promise<number>): Promise<Row> {
  const floor = server.peer.residentMb();
  await turn("head -c 50000000 /dev/zero | tr '\\0' x");
  await new Promise((resolve) => setTimeout(resolve, restMs));
  return {
    suite,
    what: "resident memory 10 s after a command that printed 50 MB (floor: before it)",
    unit: "MB",
    floor,
    ours: server.peer.residentMb(),
    rule: { kind: "moreAtMost", limit: 20 },
  };
}
