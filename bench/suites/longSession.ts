// What a long session costs: a turn on 2,000 stored messages, and the memory after some of them,
// against the same on 20.
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import {
  makePlace,
  type Provider,
  type Server,
  type ServerPlace,
  startServer,
} from "../contestants.js";
import { type BenchContext, interleaved, median, type Row } from "../measure.js";

const short = 20;
const long = 2_000;
/** A turn of one tool call, as it is stored. */
const cycle = 4;

/** The rows that the suite `sessions` has of it. */
export async function longSession(context: BenchContext, provider: Provider): Promise<Row[]> {
  const few = await openFilled(makePlace(context.makeFolder(), provider), short);
  const many = await openFilled(makePlace(context.makeFolder(), provider), long);
  const turnOn = (one: FilledSession) => async () => {
    await provider.takeTimes();
    const { ms } = await one.server.turn(one.ids, "chunks 1 20");
    const [own = 0] = await provider.takeTimes();
    return ms - own;
  };
  await interleaved(5, turnOn(few), turnOn(many));
  const rounds = context.isQuick ? 15 : 60;
  const turns = await interleaved(rounds, turnOn(few), turnOn(many));
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
  await Promise.all([few.server.end(), many.server.end()]);
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

function storedMessage(index: number): { role: string; parts: object[] } {
  const words = "Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(4);
  const call = { toolCallId: `call_${Math.floor(index / cycle)}`, name: "read" };
  const finish = (reason: string) => ({ type: "finish", reason });
  switch (index % cycle) {
    case 0:
      return { role: "user", parts: [{ type: "text", text: words }] };
    case 1: {
      const toolCall = { type: "toolCall", ...call, input: { path: "a.ts" }, state: "completed" };
      return { role: "assistant", parts: [toolCall, finish("toolUse")] };
    }
    case 2: {
      const result = { type: "toolResult", ...call, output: words.repeat(5), isError: false };
      return { role: "tool", parts: [result] };
    }
    default:
      return { role: "assistant", parts: [{ type: "text", text: words }, finish("endTurn")] };
  }
}
