// What a long session costs: a turn on 2,000 stored messages, and the memory after some of them,
// against the same on 20. A longer request costs more to send, whoever sends it: so the floor sends the
// same messages before its prompt, and what they add to its turn stands beside what they add to ours.
// It sends them twice: through the provider's package, as ours are sent, and without it.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import {
  buildProgram,
  type Contestant,
  makePlace,
  type Provider,
  type Server,
  type ServerPlace,
  startFloor,
  startServer,
  type TurnSeen,
} from "../contestants.js";
import { type BenchContext, interleaved, median, type Row } from "../measure.js";
import { storedMessage } from "../programs/history.js";

const short = 20;
const long = 2_000;
const prompt = "chunks 1 20";
/** The rows that the suite `sessions` has of it. */
export async function longSession(context: BenchContext, provider: Provider): Promise<Row[]> {
  const few = await openFilled(makePlace(context.makeFolder(), provider), short);
  const many = await openFilled(makePlace(context.makeFolder(), provider), long);
  const program = await buildProgram("floor");
  const floorOf = (history: number, isPackaged: boolean) =>
    startFloor(program, provider, { history, isPackaged });
  const packaged = [floorOf(short, true), floorOf(long, true)] as const;
  const bare = [floorOf(short, false), floorOf(long, false)] as const;
  const floors = [...packaged, ...bare];
  await Promise.all(floors.map((floor) => floor.greet()));
  const net = async (turn: () => Promise<TurnSeen>) => {
    await provider.takeTimes();
    const { ms } = await turn();
    const [own = 0] = await provider.takeTimes();
    return ms - own;
  };
  const turnOn = (one: FilledSession) => () => net(() => one.server.turn(one.ids, prompt));
  const relay = (floor: Contestant) => () => net(async () => (await floor.session()).turn(prompt));
  await interleaved(5, turnOn(few), turnOn(many));
  const rounds = context.isQuick ? 15 : 60;
  const turns = await interleaved(rounds, turnOn(few), turnOn(many));
  const added = async ([fewer, more]: readonly [Contestant, Contestant]) => {
    await interleaved(5, relay(fewer), relay(more));
    const relayed = await interleaved(rounds, relay(fewer), relay(more));
    return median(relayed.ours) - median(relayed.floor);
  };
  const [byPackage, byItself] = [await added(packaged), await added(bare)];
  const note = `${long.toLocaleString("en")} messages; floor: ${short}`;
  const shared = { suite: "sessions", note, rule: { kind: "told" } } as const;
  const rows: Row[] = [
    {
      ...shared,
      what: "a turn of one chunk in a long session",
      unit: "ms",
      floor: median(turns.floor),
      ours: median(turns.ours),
    },
    {
      ...shared,
      what: `resident memory after ${rounds + 5} turns in it`,
      unit: "MB",
      floor: few.server.peer.residentMb(),
      ours: many.server.peer.residentMb(),
    },
  ];
  const what = `what ${long.toLocaleString("en")} messages instead of ${short} add to a turn`;
  const ours = median(turns.ours) - median(turns.floor);
  const row = { suite: "sessions", what, unit: "ms", ours } as const;
  rows.splice(
    1,
    0,
    {
      ...row,
      note: "floor: to one that only sends them, through the same package",
      floor: byPackage,
      rule: context.isQuick ? { kind: "told" } : { kind: "ratioAtMost", limit: 1.2 },
    },
    {
      ...row,
      note: "floor: to one that only sends them, without a package",
      floor: byItself,
      rule: { kind: "told" },
    },
  );
  await Promise.all([few.server, many.server, ...floors].map((one) => one.end()));
  return rows;
}

interface FilledSession {
  readonly server: Server;
  readonly ids: { readonly workspaceId: string; readonly sessionId: string };
}

/** A server, fresh, with a session of so many messages. */
async function openFilled(place: ServerPlace, messages: number): Promise<FilledSession> {
  const first = startServer(place);
  await first.greet();
  const { ids } = await first.session();
  await first.end();
  fill(place, ids.sessionId, messages);
  const server = startServer(place);
  await server.greet();
  await server.open(place.workspace);
  return { server, ids };
}

/** Stores messages as turns of one tool call leave them. */
function fill(place: ServerPlace, sessionId: string, messages: number): void {
  const database = new DatabaseSync(join(place.dataDirectory, "turnwire.db"));
  const insert = database.prepare(
    `INSERT INTO messages (id, sessionId, role, parts, createdAt, updatedAt)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  database.exec("PRAGMA synchronous = OFF; BEGIN");
  for (let index = 0; index < messages; index++) {
    const { role, parts } = storedMessage(index);
    const at = 1_700_000_000_000 + index;
    insert.run(`msg_long${index}`, sessionId, role, JSON.stringify(parts), at, at);
  }
  const count = database.prepare("UPDATE sessions SET messageCount = ? WHERE id = ?");
  count.run(messages, sessionId);
  database.exec("COMMIT");
  database.close();
}
