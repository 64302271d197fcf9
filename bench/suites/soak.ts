// A day in fast motion: a session for each of 24 hours, with short and long answers and commands, and
// pauses of a second where a person would be away. What is resident must not grow from its half to its
// end.
import type { Server } from "../contestants.js";
import type { BenchContext } from "../measure.js";
import { type MemoryRow, wait } from "./memoryRow.js";

const hours = 24;
/** When the memory is looked at: after so many hours. */
const moments = [6, 12, 24];
/** How long the server is at rest then, in seconds. */
const restSeconds = 20;

/** The rows that the suite `rest` has of it. */
export async function soakRows(server: Server, context: BenchContext): Promise<MemoryRow[]> {
  const perHour = Math.round((context.isQuick ? 200 : 2_000) / hours);
  const found = new Map<number, number>();
  for (let hour = 1; hour <= hours; hour++) {
    const session = await server.session();
    for (let turn = 0; turn < perHour; turn++) await session.turn(promptOf(turn));
    await wait(moments.includes(hour) ? restSeconds : 1);
    if (moments.includes(hour)) found.set(hour, server.peer.residentMb());
  }
  const at = (hour: number) => found.get(hour) ?? Number.NaN;
  const name = (hour: number, floor: number) =>
    `resident memory after ${hour} hours of a day in fast motion (floor: after ${floor})`;
  const note = `${(perHour * hours).toLocaleString("en")} turns in ${hours} sessions`;
  const halfway: MemoryRow = {
    what: name(12, 6),
    note,
    floor: at(6),
    ours: at(12),
    rule: { kind: "told" },
  };
  const whole: MemoryRow = {
    what: name(24, 12),
    note,
    floor: at(12),
    ours: at(24),
    rule: { kind: "ratioAtMost", limit: 1.2 },
  };
  return [halfway, whole];
}

/** What a person asks for: of 20 turns one has a long answer, and two run a command. */
function promptOf(turn: number): string {
  switch (turn % 20) {
    case 7:
      return "command seq 1 2000";
    case 13:
      return "command seq 1 20000";
    case 19:
      return "chunks 1000 20";
    default:
      return turn % 3 === 0 ? "chunks 50 20" : "chunks 1 20";
  }
}
