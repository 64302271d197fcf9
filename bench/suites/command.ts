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
  startLeast,
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
  const file = () => join(context.makeFolder(), "floor.db");
  const choices = { file: file(), isPackaged: true, runsCommands: true };
  // What is needed for such a turn, and nothing else: their rows say how much of ours nobody could leave out.
  const bare = startFloor(await buildProgram("floor"), provider, choices);
  const least = startLeast(await buildProgram("leastServer"), provider, file());
  for (const one of [server, bare, least]) await one.greet();
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
  const ms = {
    alone: [] as number[],
    bare: [] as number[],
    least: [] as number[],
    ours: [] as number[],
  };
  for (let round = -3; round < (context.isQuick ? 15 : 50); round++) {
    const [command, floor] = [await alone(), await turnOf(bare, "true")];
    const [kept, ours] = [await turnOf(least, "true"), await turn("true")];
    if (round < 0) continue;
    ms.alone.push(command);
    ms.bare.push(floor);
    ms.least.push(kept);
    ms.ours.push(ours);
  }
  const rows: Row[] = [
    {
      suite,
      what: "a turn with one shell command (floor: the command alone)",
      unit: "ms",
      floor: median(ms.alone),
      ours: median(ms.ours),
      // The quick form shares its processors with what it measures.
      rule: context.isQuick ? { kind: "told" } : { kind: "moreAtMost", limit: 8 },
    },
    told(
      "two calls of the model through the package, two bare durable commits, and the command",
      ms.bare,
      ms.ours,
    ),
    told("the least that keeps what the protocol promises, and the command", ms.least, ms.ours),
  ];
  // The wait is too long for the quick form.
  if (!context.isQuick) rows.push(await memoryRow(server, turn));
  await Promise.all([server.end(), bare.end(), least.end()]);
  await provider.end();
  return { rows };
}

function told(does: string, floor: number[], ours: number[]): Row {
  return {
    suite,
    what: `a turn with one shell command (floor: ${does})`,
    unit: "ms",
    floor: median(floor),
    ours: median(ours),
    rule: { kind: "told" },
  };
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
