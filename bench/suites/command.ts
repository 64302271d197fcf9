// What a turn with one shell command costs beside the command itself, and what the memory is after a
// command that printed 50 MB.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  buildProgram,
  type Contestant,
  makePlace,
  Provider,
  Server,
  startFloor,
} from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";
import { textOf } from "../programs/chunks.js";

export const command: Suite = { name: "command", run };

const suite = "command";
const shell = promisify(execFile);
/** How long a server has to give memory back, in milliseconds. */
const restMs = 10_000;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const permissions = { allow: ["bash:*"] };
  const server = new Server(makePlace(context.makeFolder(), provider, { permissions }), {});
  const file = join(context.makeFolder(), "floor.db");
  const choices = { file, isPackaged: true, runsCommands: true };
  // What is needed for such a turn, and nothing else: its row says how much of ours nobody could leave out.
  const least = startFloor(await buildProgram("floor"), provider, choices);
  for (const one of [server, least]) await one.greet();
  const turnOf = async (one: Contestant, line: string) => {
    const { ms, text } = await (await one.session()).turn(`command ${line}`);
    if (text !== textOf(1, 20)) throw new Error("the text behind a command is not exact");
    const own = await provider.takeTimes();
    return own.reduce((rest, time) => rest - time, ms);
  };
  const turn = (line: string) => turnOf(server, line);
  const alone = async () => {
    const begun = performance.now();
    await shell("bash", ["-c", "true"]);
    return performance.now() - begun;
  };
  const ms = { floor: [] as number[], least: [] as number[], ours: [] as number[] };
  for (let round = -3; round < (context.isQuick ? 15 : 50); round++) {
    const [floor, needed] = [await alone(), await turnOf(least, "true")];
    const ours = await turn("true");
    if (round < 0) continue;
    ms.floor.push(floor);
    ms.least.push(needed);
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
    {
      suite,
      what: "a turn with one shell command (floor: two calls of the model through the package, two bare durable commits, and the command)",
      unit: "ms",
      floor: median(ms.least),
      ours: median(ms.ours),
      rule: { kind: "told" },
    },
  ];
  // The wait is too long for the quick form.
  if (!context.isQuick) rows.push(await memoryRow(server, turn));
  await Promise.all([server.end(), least.end()]);
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
